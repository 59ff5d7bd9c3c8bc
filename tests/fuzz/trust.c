/*
 * trust.c: the file of known servers, as a person, an editor or a broken disk may have left it. Besides no crash: a key is only known or
 * changed if the file names the server and that key; what is broken is said in a sentence; where the server is unknown it can be
 * remembered, is known then, and all that stood in the file stands there still.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "client/trust.h"
#include "fuzz.h"

#define SERVER "chat.example.org:18443"
#define KEY    "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

enum { FILE_SIZE = 1 << 16 };

static char folder[64], path[96];

static void remove_folder(void)
{
	char lock[sizeof(path) + 8];
	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	unlink(path);
	rmdir(folder);
}

static void make_folder(void)
{
	if (folder[0] != '\0')
		return;
	strcpy(
	    folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/trust-XXXXXX" : "/tmp/trust-XXXXXX");
	MUST(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/known", folder);
	atexit(remove_folder);
}

static void put_file(struct slice content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0 && write(fd, content.ptr, content.len) == (ssize_t)content.len);
	close(fd);
}

static size_t get_file(char content[static FILE_SIZE])
{
	int fd = open(path, O_RDONLY);
	MUST(fd >= 0);
	ssize_t len = read(fd, content, FILE_SIZE);
	MUST(len >= 0);
	close(fd);
	return (size_t)len;
}

static void remember(struct slice before)
{
	static char after[FILE_SIZE];
	char known[FINGERPRINT_SIZE];
	struct why why = { "" };
	MUST(trust_remember(path, SERVER, KEY, known, &why) == TRUST_KNOWN);
	size_t len = get_file(after);
	MUST(slice_begins(slice_of(after, len), before));
	MUST(slice_ends(slice_of(after, len), SLICE(SERVER " " KEY "\n")));
	MUST(trust_look_up(path, SERVER, KEY, known, &why) == TRUST_KNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char known[FINGERPRINT_SIZE] = "";
	struct why why = { "" };
	struct slice content = slice_of((const char *)data, size);
	if (size > FILE_SIZE / 2)
		return 0;
	make_folder();
	put_file(content);
	enum trust found = trust_look_up(path, SERVER, KEY, known, &why);
	MUST((found == TRUST_BROKEN) == (why.text[0] != '\0'));
	if (found == TRUST_KNOWN)
		MUST(size > 0 && memmem(data, size, KEY, strlen(KEY)) != NULL);
	if (found == TRUST_CHANGED) {
		MUST(fingerprint_is_well_formed(known) && strcmp(known, KEY) != 0);
		MUST(memmem(data, size, known, strlen(known)) != NULL);
	}
	if (found == TRUST_UNKNOWN)
		remember(content);
	return 0;
}
