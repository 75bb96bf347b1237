import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { CONFIG, type Config } from '../../config/config.js';
import type { Page } from '../pages.js';

/** Answers a Page with its rows, and with `Link: <…>; rel="next"` where there are more. */
@Injectable()
export class NextLinkInterceptor implements NestInterceptor {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  intercept(context: ExecutionContext, next: CallHandler<Page<unknown>>): Observable<unknown[]> {
    return next.handle().pipe(
      map(({ rows, cursor }) => {
        if (cursor) {
          const http = context.switchToHttp();
          const request = http.getRequest<{ url: string; body?: object }>();
          const { pathname, search } = new URL(request.url, 'http://ignored');
          const url = new URL(this.config.publicUrl + pathname + search);
          // Fields in the body of a GET become parameters of the link.
          for (const [name, value] of Object.entries(request.body ?? {})) url.searchParams.set(name, String(value));
          url.searchParams.set('cursor', cursor);
          http.getResponse<{ header(name: string, value: string): void }>().header('Link', `<${url.href}>; rel="next"`);
        }
        return rows;
      }),
    );
  }
}
