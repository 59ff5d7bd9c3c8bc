/* outcome.h: how a log-in can come out. What is said then: outcomes[] in login.c. */
#ifndef CHAT_OUTCOME_H
#define CHAT_OUTCOME_H

enum outcome {
	OUTCOME_IN,
	OUTCOME_SIGNED_UP, /* counted in place of OUTCOME_IN */
	OUTCOME_REFUSED,   /* wrong password, unknown user, impossible name */
	OUTCOME_ALREADY_ONLINE,
	OUTCOME_TAKEN,
	OUTCOME_CHARACTERS,
	OUTCOME_LENGTH,
	OUTCOME_RESERVED,
	OUTCOME_PASSWORD,
	OUTCOME_TRIALS, /* of the connection */
	OUTCOME_ADDRESS_TRIALS,
	OUTCOME_CLOSED,
	OUTCOME_BANNED,
	OUTCOME_LATER,
	OUTCOMES
};

/* For the counts. */
extern const char *const outcome_names[OUTCOMES];

#endif
