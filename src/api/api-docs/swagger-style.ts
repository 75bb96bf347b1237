/**
 * Swagger UI in the colours of the other pages, in both schemes, and in one column on a phone. Its own style sheet has hundreds of colours:
 * all are taken back first, by the id, which is stronger than its classes.
 */
export const SWAGGER_STYLE = `.api{max-inline-size:60rem;margin-inline:auto;padding:2.5rem 1.5rem 4rem}.api main{max-inline-size:none;padding:0}
.api h2{font:var(--t-head);letter-spacing:-.01em;margin-block:2rem .5rem}.start{margin:0 0 .75rem;padding-inline-start:1.5rem;max-inline-size:41rem}.start li+li{margin-block-start:.375rem}.fine{color:var(--muted);font:var(--t-small)}
#swagger-ui *{color:inherit;background-color:transparent;border-color:var(--line);box-shadow:none;text-shadow:none;font-family:inherit;transition:none;animation:none}
#swagger-ui svg{fill:currentColor}#swagger-ui a{color:var(--accent)}
#swagger-ui :is(pre,code,textarea,.parameter__type,.parameter__in,.opblock-summary-path,.opblock-summary-path *){font-family:var(--mono)}
#swagger-ui .wrapper{padding:0;max-inline-size:none}
#swagger-ui :is(.information-container,.servers,.servers-title,.schemes-server-container,.version-stamp,.view-line-link){display:none}
#swagger-ui .scheme-container{padding:0;margin:.75rem 0 1rem}#swagger-ui .schemes{display:block}#swagger-ui .auth-wrapper{justify-content:start}
#swagger-ui :is(.btn,select,input,textarea){color:var(--ink);border:1px solid var(--line-strong);border-radius:8px;background-color:var(--raised)}
#swagger-ui .btn{display:inline-flex;align-items:center;gap:.375rem;min-block-size:2.25rem;padding:.375rem .875rem;font:600 .875rem/1.25rem var(--sans)}
#swagger-ui .btn svg{margin:0}#swagger-ui .authorize span{padding:0}
#swagger-ui :is(.execute,.modal-btn.authorize){background-color:var(--accent);border-color:var(--accent);color:var(--accent-ink)}
#swagger-ui .btn.cancel{color:var(--danger);border-color:var(--danger)}
#swagger-ui :is(.btn.execute,.btn-group .btn){flex:1;justify-content:center;border-radius:8px}#swagger-ui .btn-group{gap:.5rem;padding:1rem}
#swagger-ui select{padding:.375rem 2.25rem .375rem .75rem;min-block-size:2.25rem;font:var(--t-small);background-image:none;appearance:auto;padding-inline-end:.5rem}
#swagger-ui :is(input[type=text],input[type=password],textarea){padding:.5rem .75rem;inline-size:100%;max-inline-size:34rem;min-inline-size:0;font-size:1rem}#swagger-ui textarea{font:.8125rem/1.25rem var(--mono)}
#swagger-ui ::placeholder{color:var(--muted);opacity:1}
#swagger-ui .opblock-tag{display:flex;flex-wrap:wrap;gap:0 .75rem;align-items:baseline;padding:.75rem 0;font:var(--t-title);border-block-end:1px solid var(--line)}
#swagger-ui .opblock-tag small{flex:1;padding:0;color:var(--muted);font:var(--t-small)}#swagger-ui .opblock-tag small p{margin:0;color:inherit;font:inherit}
#swagger-ui .opblock-tag button{align-self:center}
#swagger-ui .opblock{margin:.5rem 0;border:1px solid var(--line);border-radius:10px;background-color:var(--raised)}
#swagger-ui .opblock-summary{padding:.375rem .625rem;border:0}#swagger-ui .opblock.is-open .opblock-summary{border-block-end:1px solid var(--line)}
#swagger-ui .opblock-summary-control{gap:.25rem .75rem;align-items:center;min-inline-size:0}
#swagger-ui .opblock-summary-method{min-inline-size:4.25rem;padding:.25rem .5rem;border-radius:6px;background-color:var(--accent-soft);color:var(--accent);font:600 .75rem/1rem var(--sans)}
#swagger-ui .opblock-delete .opblock-summary-method{background-color:var(--danger-soft);color:var(--danger)}
#swagger-ui .opblock-summary-path{padding:0;max-inline-size:none;font-size:.875rem;font-weight:600;overflow-wrap:anywhere;word-break:normal}
#swagger-ui .opblock-summary-path-description-wrapper{gap:0 .75rem;padding:0;min-inline-size:0}
#swagger-ui .opblock-summary-description{color:var(--muted);font:var(--t-small);white-space:normal;word-break:normal}
#swagger-ui :is(.opblock-control-arrow,.authorization__btn){opacity:1;color:var(--muted)}
#swagger-ui .opblock-section-header{padding:.5rem 1rem;min-block-size:0;background-color:var(--sunken);border:solid var(--line);border-width:1px 0}
#swagger-ui .opblock-section-header :is(h4,label){font:600 .875rem/1.25rem var(--sans)}
#swagger-ui :is(.responses-wrapper,.parameters-container){overflow-wrap:anywhere}#swagger-ui .table-container{padding:1rem}#swagger-ui .responses-inner{padding:1rem}
#swagger-ui :is(h5,th,.tablinks,.response-control-media-type__title,.parameter__in,.parameter__extension,.response-control-media-type__accept-message){color:var(--muted);font:var(--t-small)}
#swagger-ui :is(td,p,.renderedMarkdown p,.parameter__name,.parameter__type,.response-col_status){font-size:.875rem;line-height:1.25rem}#swagger-ui .tab li button.tablinks{padding:.25rem 0}
#swagger-ui .parameter__name.required::after{color:var(--danger)}#swagger-ui .parameter__name.required span{color:var(--danger)}
#swagger-ui :is(pre,.highlight-code pre,.microlight,.body-param__example){padding:.625rem .75rem;border:1px solid var(--line);border-radius:8px;background-color:var(--code);color:var(--ink);font:.8125rem/1.25rem var(--mono);white-space:pre-wrap;overflow-wrap:anywhere;max-inline-size:100%}
#swagger-ui pre *{font:inherit;color:inherit}#swagger-ui .copy-to-clipboard{background-color:var(--raised);border:1px solid var(--line-strong);color:var(--ink)}
#swagger-ui .download-contents{color:var(--ink);background-color:var(--raised);border:1px solid var(--line-strong);inline-size:auto;block-size:auto;padding:.25rem .625rem}
#swagger-ui .dialog-ux .backdrop-ux{background-color:rgb(0 0 0/.5)}#swagger-ui .dialog-ux .modal-ux{background-color:var(--raised);border:1px solid var(--line);border-radius:14px;max-inline-size:calc(100vw - 2rem);min-inline-size:0;inline-size:34rem}
#swagger-ui .dialog-ux :is(h3,h4){font:var(--t-title)}#swagger-ui .dialog-ux code{color:var(--ink)}#swagger-ui .auth-btn-wrapper{gap:.5rem;justify-content:start}
#swagger-ui :is(.model,.model-box,.model-title,.prop-type,.prop-format,.property.primitive){color:var(--ink);font-size:.8125rem}#swagger-ui .model-box{display:block;padding:.5rem .75rem;border:1px solid var(--line);border-radius:8px;background-color:var(--sunken)}
#swagger-ui :is(.prop-format,.renderedMarkdown){color:var(--muted)}#swagger-ui .errors-wrapper{display:none}
#swagger-ui .loading-container .loading::after{color:var(--muted)}
@media(max-width:719px){
#swagger-ui .opblock-summary{align-items:start}#swagger-ui .opblock-summary-control{flex-wrap:wrap}#swagger-ui .opblock-summary-path-description-wrapper{flex-direction:column;flex:1 1 12rem;align-items:start}
#swagger-ui :is(table,tbody,tr,td){display:block;inline-size:auto;max-inline-size:100%;padding-inline:0}#swagger-ui thead{display:none}#swagger-ui td{padding-block:.25rem}#swagger-ui tr{padding-block:.5rem;border-block-end:1px solid var(--line)}#swagger-ui tr:last-child{border:0}
#swagger-ui .opblock-section-header{flex-wrap:wrap;gap:.5rem}#swagger-ui .opblock-section-header>label{margin:0}#swagger-ui .btn{min-block-size:2.75rem}}`;
