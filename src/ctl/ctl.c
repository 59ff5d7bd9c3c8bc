#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/home.h"
#include "ctl/backup.h"
#include "ctl/commands.h"
#include "ctl/secret.h"
#include "ctl/talk.h"

enum { WHY_SIZE = 2048, FILE_MAX_LEN = 64 << 20, CHUNK_SIZE = 64 << 10 };

static int __attribute__((format(printf, 2, 3))) say(int status, const char *format, ...)
{
	va_list args;
	fputs("messagerctl: ", stderr);
	va_start(args, format);
	/* clang-tidy 14 forgets the line above where it has looked at other files before. */
	vfprintf(stderr, format, args); // NOLINT(clang-analyzer-valist.Uninitialized)
	va_end(args);
	fputs("\n", stderr);
	return status;
}

bool ctl_default_socket(char socket_r[static CTL_SOCKET_SIZE])
{
	char data[CTL_SOCKET_SIZE] = "/var/lib/messagerd";
	if (geteuid() != 0 && !home_data_folder("messagerd", data, sizeof(data)))
		return false;
	int len = snprintf(socket_r, CTL_SOCKET_SIZE, "%s/admin.sock", data);
	return len > 0 && len < CTL_SOCKET_SIZE;
}

/* ---- the body ---- */

static bool read_file(int fd, struct buffer *to, char *why, size_t why_size)
{
	for (;;) {
		char *room = buffer_reserve(to, CHUNK_SIZE);
		ssize_t len = room != NULL ? read(fd, room, CHUNK_SIZE) : -1;
		if (room != NULL && len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			snprintf(why, why_size, "%s", room != NULL ? strerror(errno) : "no memory");
		if (len <= 0)
			return len == 0;
		buffer_added(to, (size_t)len);
		if (to->len > FILE_MAX_LEN) {
			snprintf(why, why_size, "it is longer than 64 MiB; import it in parts");
			return false;
		}
	}
}

static bool read_body_file(const char *path, struct buffer *to, char *why, size_t why_size)
{
	char cause[256];
	bool is_input = strcmp(path, "-") == 0;
	int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	bool is_read = fd >= 0 && read_file(fd, to, cause, sizeof(cause));
	if (fd < 0)
		snprintf(cause, sizeof(cause), "%s", strerror(errno));
	if (!is_read)
		snprintf(
		    why, why_size, "cannot read %s: %s", is_input ? "standard input" : path, cause);
	if (fd >= 0 && !is_input)
		close(fd);
	return is_read;
}

/* ---- the request ---- */

/* A word has no LF, which ends it in a request, and is not empty, which ends the words. */
static bool is_sendable(const char *word)
{
	return word[0] != '\0' && strchr(word, '\n') == NULL;
}

/*
 * The command's words and arguments, a line each. A last argument TEXT is all words that are left, as a shell's echo takes them; a
 * file's name is not for the server. false: no memory.
 */
static bool write_head(const struct command *command, bool json, size_t body_len,
    const char *const *words, size_t word_count, size_t text_begin, struct buffer *head)
{
	if (command->body == BODY_FILE || command->body == BODY_BACKUP)
		word_count--;
	bool is_written = buffer_printf(head, "%s %zu\n", json ? "json" : "text", body_len);
	for (size_t i = 0; i < word_count; i++) {
		bool goes_on = i + 1 > text_begin && i + 1 < word_count;
		is_written =
		    is_written && buffer_printf(head, "%s%s", words[i], goes_on ? " " : "\n");
	}
	return is_written && buffer_append(head, "\n", 1);
}

/* backup_file: where the bytes go that come before the answer, or NULL. */
static int send_request(const struct ctl_options *options, struct buffer *head, struct slice body,
    struct backup_file *backup_file)
{
	static const int statuses[] = {
		[TALK_OK] = CTL_OK, [TALK_REFUSED] = CTL_ERROR, [TALK_FAILED] = CTL_ERROR
	};
	char why[WHY_SIZE];
	enum talk_result result =
	    talk(options->socket, buffer_slice(head), body, backup_file, why, sizeof(why));
	if (result == TALK_FAILED)
		say(CTL_ERROR, "%s", why);
	return statuses[result];
}

static int check_args(
    const struct command *command, const char *const *words, size_t own, size_t count)
{
	size_t args = count - own;
	if (args < command_min_args(command) || args > command_max_args(command))
		return say(
		    CTL_USAGE, "usage: messagerctl %s %s", command->words, command->arguments);
	for (size_t i = own; i < count; i++) {
		if (!is_sendable(words[i]))
			return say(CTL_USAGE, "an argument is empty or has a line's end in it");
	}
	return CTL_OK;
}

static int make_backup(const struct ctl_options *options, struct buffer *head, const char *path)
{
	char why[WHY_SIZE];
	struct backup_file file;
	if (!talk_is_possible(options->socket, why, sizeof(why)) ||
	    !backup_begin(&file, path, why, sizeof(why)))
		return say(CTL_ERROR, "%s", why);
	int status = send_request(options, head, (struct slice){ 0 }, &file);
	backup_drop(&file);
	return status;
}

int ctl_run(const struct ctl_options *options, const char *const *words, size_t word_count)
{
	size_t own;
	const struct command *command = command_find(words, word_count, &own);
	if (command == NULL)
		return say(CTL_USAGE, "there is no command %s; --help shows them", words[0]);
	int status = check_args(command, words, own, word_count);
	if (status != CTL_OK)
		return status;

	struct buffer head = { 0 }, file = { 0 };
	char secret[SECRET_SIZE] = "", why[WHY_SIZE];
	bool has_body = true;
	if (command->body == BODY_PASSWORD)
		has_body = talk_is_possible(options->socket, why, sizeof(why)) &&
			   secret_read(words[own], secret, why, sizeof(why));
	else if (command->body == BODY_FILE)
		has_body = read_body_file(words[word_count - 1], &file, why, sizeof(why));
	struct slice body =
	    command->body == BODY_PASSWORD ? slice_str(secret) : buffer_slice(&file);
	bool has_text = command_max_args(command) == SIZE_MAX;
	size_t text_begin = has_text ? own + command_min_args(command) - 1 : SIZE_MAX;
	if (!has_body)
		status = say(CTL_ERROR, "%s", why);
	else if (!write_head(
		     command, options->json, body.len, words, word_count, text_begin, &head))
		status = say(CTL_ERROR, "no memory");
	else if (command->body == BODY_BACKUP)
		status = make_backup(options, &head, words[word_count - 1]);
	else
		status = send_request(options, &head, body, NULL);
	secret_wipe(secret);
	buffer_clear(&file);
	buffer_clear(&head);
	return status;
}
