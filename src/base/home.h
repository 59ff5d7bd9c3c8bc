/* home.h: where a user's files are (XDG Base Directory Specification). Reads the environment: before threads that change it. */
#ifndef BASE_HOME_H
#define BASE_HOME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The folders of a program: for data that lasts ($XDG_DATA_HOME/program, by default ~/.local/share/program), for settings
 * ($XDG_CONFIG_HOME, ~/.config) and for what is only nice to have ($XDG_STATE_HOME, ~/.local/state). They need not exist. false: there is no home
 * folder, or the path has more than size - 1 bytes.
 */
bool home_data_folder(const char *program, char *to, size_t size);
bool home_config_folder(const char *program, char *to, size_t size);
bool home_state_folder(const char *program, char *to, size_t size);

#endif
