#include "client/verdict.h"

#include <string.h>

#include "client/folder.h"
#include "client/trust.h"

static enum verdict trusted_by(const char *how, const char **how_r)
{
	*how_r = how;
	return VERDICT_TRUSTED;
}

static enum verdict refuse_changed(
    const struct options *o, const char *known, const char *shown, struct why *why)
{
	char server[SERVER_TEXT_SIZE];
	server_name_text(&o->server, server);
	why_fail(why,
	    "WARNING: the key of %s has changed. Somebody may be listening in, or the server has a new key.\n"
	    "known: %s\nshown: %s\n"
	    "Nothing was sent. If you know from its operator that the new key is right, remove the line of %s from known_servers",
	    server, known, shown, server);
	return VERDICT_REFUSED;
}

enum verdict verdict_remember(
    const struct options *options, const char *shown, const char **how_r, struct why *why)
{
	char server[SERVER_TEXT_SIZE], path[FOLDER_PATH_SIZE], known[FINGERPRINT_SIZE];
	server_name_text(&options->server, server);
	why->text[0] = '\0';
	if (!folder_data_path("known_servers", path, why))
		return trusted_by("trusted for this time", how_r);
	switch (trust_remember(path, server, shown, known, why)) {
	case TRUST_CHANGED:
		return refuse_changed(options, known, shown, why);
	case TRUST_BROKEN:
		return VERDICT_REFUSED;
	case TRUST_UNSAVED:
		return trusted_by("trusted for this time", how_r);
	default:
		return trusted_by("trusted at first sight", how_r);
	}
}

static enum verdict find_unknown(const struct options *o, const char *server, const char *shown,
    bool can_ask, const char **how_r, struct why *why)
{
	if (o->trust_first)
		return verdict_remember(o, shown, how_r, why);
	if (can_ask)
		return VERDICT_ASK;
	why_fail(why,
	    "%s is not known, and there is nobody to ask. Its key is %s. Compare that with what its operator says and give it with "
	    "--fingerprint, or use --trust-first or --ca",
	    server, shown);
	return VERDICT_REFUSED;
}

/* People copy the fingerprint from our log, which is the key's, or from another tool, which shows the certificate's. */
static bool is_given(const struct options *o, const struct shown *shown)
{
	char given[FINGERPRINT_SIZE];
	return fingerprint_read(o->fingerprint, given) &&
	       (strcmp(given, shown->key) == 0 || strcmp(given, shown->certificate) == 0);
}

static enum verdict refuse_dates(const char *server, const struct shown *shown, struct why *why)
{
	if (shown->dates == CERTIFICATE_EXPIRED)
		why_fail(why,
		    "the certificate of %s has expired (%s). Nothing was sent. Its operator must renew it: with the same key you need not trust it "
		    "anew. Until then, if you know its fingerprint from the operator, give that with --fingerprint",
		    server, shown->date);
	else
		why_fail(why,
		    "the certificate of %s is not valid before %s. Nothing was sent. Is this machine's clock right? If it is, the operator must put "
		    "the certificate right; until then, if you know its fingerprint from the operator, give that with --fingerprint",
		    server, shown->date);
	return VERDICT_REFUSED;
}

enum verdict verdict_find(const struct options *options, const struct shown *shown,
    const char *trusted, bool can_ask, const char **how_r, struct why *why)
{
	char server[SERVER_TEXT_SIZE], path[FOLDER_PATH_SIZE], known[FINGERPRINT_SIZE];
	server_name_text(&options->server, server);
	why->text[0] = '\0';

	if (options->fingerprint != NULL && !is_given(options, shown)) {
		why_fail(why,
		    "the key of %s is not the one of --fingerprint but %s. Nothing was sent. Compare the fingerprint with what its operator says",
		    server, shown->key);
		return VERDICT_REFUSED;
	}
	if (options->fingerprint != NULL)
		return trusted_by("its key has the given fingerprint", how_r);
	if (shown->dates != CERTIFICATE_IN_FORCE)
		return refuse_dates(server, shown, why);
	if (options->ca_file != NULL)
		return trusted_by("vouched for by an authority of --ca", how_r);
	if (trusted[0] != '\0')
		return strcmp(trusted, shown->key) == 0
			   ? VERDICT_TRUSTED
			   : refuse_changed(options, trusted, shown->key, why);
	if (!folder_data_path("known_servers", path, why))
		return VERDICT_REFUSED;
	switch (trust_look_up(path, server, shown->key, known, why)) {
	case TRUST_KNOWN:
		return trusted_by("its key is the known one", how_r);
	case TRUST_CHANGED:
		return refuse_changed(options, known, shown->key, why);
	case TRUST_UNKNOWN:
		return find_unknown(options, server, shown->key, can_ask, how_r, why);
	default:
		return VERDICT_REFUSED;
	}
}
