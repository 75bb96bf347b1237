/** Whether `name` (a host name or address, brackets allowed) can only mean this machine. */
export const isLoopbackName = (name: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(name);
