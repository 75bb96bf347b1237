import { type DynamicModule, Module } from '@nestjs/common';
import { CONFIG, type Config } from './config.js';
import { SECRET } from './secret.js';

@Module({})
export class ConfigModule {
  /** @param secret signs tokens and encrypts mails */
  static with(config: Config, secret: string): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: SECRET, useValue: secret },
      ],
      exports: [CONFIG, SECRET],
    };
  }
}
