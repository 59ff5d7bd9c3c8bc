/* data_folder.h: the folder that holds all that the server keeps; one server at a time. Main thread; blocks. */
#ifndef SERVER_DATA_FOLDER_H
#define SERVER_DATA_FOLDER_H

#include <stddef.h>

/*
 * Makes the folder (mode 0700, and the folders above it) if it is missing, and locks it until the process ends. Returns the lock's descriptor, or -1
 * with a sentence for the operator in why, which names the pid of a server that has it.
 */
int data_folder_open(const char *path, char *why, size_t why_size);

#endif
