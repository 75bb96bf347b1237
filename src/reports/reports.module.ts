import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Report, ReportMessage } from './report.entity.js';
import { ReportRetention } from './report-retention.js';
import { ReportsController } from './reports.controller.js';
import { ReportsService } from './reports.service.js';

/** Reports that people make of messages. */
@Module({
  imports: [TypeOrmModule.forFeature([Report, ReportMessage])],
  controllers: [ReportsController],
  providers: [ReportRetention, ReportsService],
})
export class ReportsModule {}
