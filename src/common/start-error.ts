/** Something outside the program keeps it from starting; the message is one line with what the operator can do. */
export class StartError extends Error {}
