import type { Config } from '../../config/config.js';
import type { BotEngine } from './engine.js';
import { OpenAiEngine } from './openai-engine.js';
import { RiveScriptEngine } from './rivescript-engine.js';

/**
 * The engine that is configured: a server with BOT_URL, otherwise the embedded bot. The caller must close it.
 * @throws StartError where the embedded bot's brain files cannot be used
 */
export async function createEngine(
  config: Pick<Config, 'botUrl' | 'botModel' | 'botApiKey' | 'botPrompt' | 'botMaxTokens'>,
): Promise<BotEngine> {
  const { botUrl: url, botModel: model, botApiKey: apiKey, botPrompt: prompt, botMaxTokens: maxTokens } = config;
  if (url) return new OpenAiEngine({ url, model, apiKey, prompt, maxTokens });
  const engine = new RiveScriptEngine();
  await engine.start();
  return engine;
}
