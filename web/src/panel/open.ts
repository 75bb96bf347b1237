import { effect, signal } from '@preact/signals';
import { ofDevice } from '../parts/kept.js';

/** Whether the members panel stands open beside groups; of this device. */
export const isPanelOpen = signal(ofDevice.read('panel') !== 'closed');
effect(() => ofDevice.write('panel', isPanelOpen.value ? 'open' : 'closed'));
