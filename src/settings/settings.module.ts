import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { StoredSettings } from './settings.entity.js';
import { Settings } from './settings.js';

/** Settings that an admin changes while the server runs. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([StoredSettings])],
  providers: [Settings],
  exports: [Settings],
})
export class SettingsModule {}
