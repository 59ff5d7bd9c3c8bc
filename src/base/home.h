/* home.h: where a user's files are (XDG Base Directory Specification). Reads the environment: before threads that change it. */
#ifndef BASE_HOME_H
#define BASE_HOME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The data folder of a program: $XDG_DATA_HOME/program, by default ~/.local/share/program. It need not exist. false: there is no home
 * folder, or the path has more than size - 1 bytes.
 */
bool home_data_folder(const char *program, char *to, size_t size);

#endif
