/* config.h: the settings that bus/ goes by (messagerd.conf(5), [bus]). Plain values; a path that is empty is none. */
#ifndef BUS_CONFIG_H
#define BUS_CONFIG_H

enum { BUS_URL_SIZE = 1024, BUS_PATH_SIZE = 1024, BUS_WORD_SIZE = 65 };

struct bus_config {
	char url[BUS_URL_SIZE];
	char node[BUS_WORD_SIZE];   /* this server's name */
	char prefix[BUS_WORD_SIZE]; /* all subjects begin with it */
	char ca[BUS_PATH_SIZE];     /* PEM: whom a tls:// server's certificate must come from */
	char certificate[BUS_PATH_SIZE],
	    key[BUS_PATH_SIZE]; /* PEM: what is shown to such a server */
	char user[BUS_WORD_SIZE];
	char password_file[BUS_PATH_SIZE];
	char token_file[BUS_PATH_SIZE];
	char nkey[BUS_WORD_SIZE];      /* the public one */
	char nkey_file[BUS_PATH_SIZE]; /* its seed */
};

#endif
