/* data_folder.h: the folder that holds all that the server keeps; one server at a time. Main thread; blocks. */
#ifndef SERVER_DATA_FOLDER_H
#define SERVER_DATA_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes the folder, mode 0700 and user's own, and the folders above it, if it is missing. false with a sentence for the operator in why; also if
 * it is there and we are root, about to become a user whose own it is not.
 */
bool data_folder_make(const char *path, const char *user, char *why, size_t why_size);

/*
 * Locks the folder, which must be there, until the process ends. Returns the lock's descriptor, or -1
 * with a sentence for the operator in why, which names the pid of a server that has it.
 */
int data_folder_open(const char *path, char *why, size_t why_size);

#endif
