#include "client/choice.h"

#include <string.h>

#include "client/terminal.h"

static bool apply(const struct choice *c, const char *text, struct why *why)
{
	const struct settings_server *known = settings_find(c->settings, text);
	if (known == NULL)
		return server_name_parse(text, &c->options->server) ||
		       why_fail(why, "That is no HOST or HOST:PORT.");
	c->options->server_typed = known->name;
	return settings_apply(c->settings, c->options, why);
}

static bool take_password(const struct choice *c, struct why *why)
{
	const struct options *o = c->options;
	if (password_is_set(c->password) ||
	    (o->password_command == NULL && o->password_file == NULL))
		return true;
	c->leave(c->ctx);
	signals_lend();
	bool is_taken = password_take(c->password, o, why);
	signals_take_back();
	c->enter(c->ctx);
	return is_taken;
}

bool choice_take(const struct choice *c, struct slice line, struct why *why)
{
	char text[SERVER_TEXT_SIZE];
	struct options before = *c->options;
	line = slice_trim(line);
	if (line.len == 0)
		line = SLICE("localhost");
	snprintf(text, sizeof(text), "%.*s", (int)line.len, line.ptr);
	why->text[0] = '\0';
	if (strlen(text) != line.len)
		return why_fail(why, "That is no HOST or HOST:PORT.");
	bool had_password = password_is_set(c->password);
	bool is_taken = apply(c, text, why) && take_password(c, why) &&
			(before.ca_file != NULL || c->options->ca_file == NULL ||
			    contact_take_authorities(c->contact, why));
	if (is_taken)
		return true;
	*c->options = before;
	if (!had_password)
		password_clear(c->password);
	return false;
}
