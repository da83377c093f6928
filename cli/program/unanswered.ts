/** There is no answer, without a fault of this program: the message says why, and what to do. */
export class Unanswered extends Error {}

/** It was asked, and the answer is no. */
export class Refused extends Error {}
