#include "store/waiting.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#ifdef HAVE_LIBPQ
#include <libpq-fe.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

struct fixture *set_up(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	folder_make(f->folder);
	snprintf(f->files, sizeof(f->files), "%s/files", f->folder);
	f->store = store_in(f->folder);
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "bob", "h"), STORE_OK);
	return f;
}

void tear_down(struct fixture *f)
{
	store_close(f->store);
	folder_remove(f->folder);
	free(f);
}

/* ---- calls that wait ---- */

static void wake(struct file *file)
{
	sem_post(&((struct waited *)(void *)file)->done);
}

void waited_init(struct waited *w, struct fixture *f, const char *name)
{
	file_init(&w->file, f->store);
	w->file.done = wake;
	strcpy(w->file.receiver, "bob");
	strcpy(w->file.name, name);
	sem_init(&w->done, 0, 0);
}

enum store_status waited_for(struct waited *w)
{
	while (sem_wait(&w->done) != 0)
		assert_int_equal(errno, EINTR);
	return w->file.status;
}

enum store_status begin(struct waited *w)
{
	file_begin(&w->file);
	return waited_for(w);
}

enum store_status append(struct waited *w, const char *bytes)
{
	file_append(&w->file, slice_str(bytes));
	return waited_for(w);
}

enum store_status finish(struct waited *w, const char *bytes)
{
	file_finish(&w->file, slice_str(bytes));
	return waited_for(w);
}

enum store_status discard(struct waited *w)
{
	file_discard(&w->file);
	return waited_for(w);
}

enum store_status upload(
    struct fixture *f, const char *name, const char *bytes, uint64_t max_files, uint64_t max_bytes)
{
	struct waited w;
	waited_init(&w, f, name);
	w.file.max_files = max_files;
	w.file.max_bytes = max_bytes;
	enum store_status status = begin(&w);
	return status == STORE_OK ? finish(&w, bytes) : status;
}

void wait_for_file(struct fixture *f, const char *name, const char *bytes)
{
	assert_int_equal(upload(f, name, bytes, 0, 0), STORE_OK);
}

/* ---- what there is ---- */

static void list_file(struct store_request *request, const struct store_file *file)
{
	struct listed *l = (struct listed *)(void *)request;
	size_t len = strlen(l->text);
	if (l->first_id == 0)
		l->first_id = file->id;
	snprintf(l->text + len, sizeof(l->text) - len, "%s %s %d\n", file->receiver, file->name,
	    (int)file->size_bytes);
}

struct listed *list(struct fixture *f, enum store_call call, const char *receiver)
{
	struct listed *l = calloc(1, sizeof(*l));
	assert_non_null(l);
	l->asked.request.each_file = list_file;
	ask_begin(f->store, &l->asked, call, receiver, "");
	assert_int_equal(ask_end(&l->asked), STORE_OK);
	return l;
}

void assert_waiting(struct fixture *f, const char *expected)
{
	struct listed *l = list(f, STORE_FILE_LIST, "");
	assert_string_equal(l->text, expected);
	free(l);
	l = list(f, STORE_FILE_SNAPSHOT, "bob");
	assert_string_equal(l->text, expected);
	free(l);
}

int64_t first_id(struct fixture *f)
{
	struct listed *l = list(f, STORE_FILE_LIST, "bob");
	int64_t id = l->first_id;
	free(l);
	return id;
}

enum store_status remove_first(struct fixture *f)
{
	struct asked asked = { .request.id = first_id(f) };
	ask_begin(f->store, &asked, STORE_FILE_REMOVE, "", "");
	return ask_end(&asked);
}

int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

#ifdef HAVE_LIBPQ
/* In the database each file has its bytes, and nothing else has any. */
static void assert_pieces(struct fixture *f, const char *expected)
{
	char url[256], text[8192] = "";
	store_close(f->store);
	store_url_of(f->folder, url, sizeof(url));
	PGconn *db = PQconnectdb(url);
	PGresult *result = PQexec(db,
	    "SELECT receiver, name, 0 FROM file JOIN upload ON upload.id = upload ORDER BY receiver, name");
	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	for (int i = 0; i < PQntuples(result); i++) {
		size_t len;
		unsigned char *name =
		    PQunescapeBytea((unsigned char *)PQgetvalue(result, i, 1), &len);
		strncat(strcat(strcat(text, PQgetvalue(result, i, 0)), "+"), (char *)name, len);
		strcat(text, " ");
		PQfreemem(name);
	}
	PQclear(result);
	assert_string_equal(text, expected);
	result = PQexec(db, "SELECT (SELECT count(*) FROM upload) - (SELECT count(*) FROM file)");
	assert_string_equal(PQgetvalue(result, 0, 0), "0");
	PQclear(result);
	PQfinish(db);
	f->store = store_in(f->folder);
}
#endif

/* The names in the folder, sorted, a space after each. All that is under way is carried out first. */
void assert_folder(struct fixture *f, const char *expected)
{
	char *names[256], text[8192] = "";
	size_t count = 0;
#ifdef HAVE_LIBPQ
	if (store_is_postgres()) {
		assert_pieces(f, expected);
		return;
	}
#endif
	store_close(f->store);
	DIR *folder = opendir(f->files);
	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL && count < 256;) {
		if (entry->d_name[0] != '.')
			names[count++] = strdup(entry->d_name);
	}
	closedir(folder);
	qsort(names, count, sizeof(*names), by_name);
	for (size_t i = 0; i < count; i++) {
		strcat(strcat(text, names[i]), " ");
		free(names[i]);
	}
	assert_string_equal(text, expected);
	f->store = store_in(f->folder);
}

void path_of(struct fixture *f, const char *entry, char path[static 400])
{
	snprintf(path, 400, "%s/%s", f->files, entry);
}

void put_by_hand(struct fixture *f, const char *entry)
{
	char path[400];
	path_of(f, entry, path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	close(fd);
}

void take_by_hand(struct fixture *f, const char *entry)
{
	char path[400];
	path_of(f, entry, path);
	assert_int_equal(unlink(path), 0);
}

void assert_content(struct fixture *f, const char *name, const char *expected, size_t cap)
{
	struct waited w;
	char got[256] = "", piece[64];
	waited_init(&w, f, "");
	file_select(&w.file, "bob", name);
	do {
		file_read(&w.file, piece, cap);
		assert_int_equal(waited_for(&w), STORE_OK);
		strncat(got, piece, w.file.got_len);
	} while (!w.file.at_end);
	assert_string_equal(got, expected);
}
