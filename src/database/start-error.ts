/** Something outside the program keeps it from starting; the message is one line that names the cure. */
export class StartError extends Error {}
