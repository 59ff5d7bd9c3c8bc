/* The bus of a server that stands alone, and what is no bus at all. */
#include <string.h>

#include "bus/bus.h"
#include "unit.h"

static void deliver(void *arg, const struct bus_message *message)
{
	(void)arg;
	(void)message;
	fail();
}

static const struct bus_events events = { .deliver = deliver };

static void note_done(struct bus_join *join)
{
	join->name[0] = '\0';
}

static void nobody_is_anywhere_else(void **state)
{
	(void)state;
	char why[128] = "";
	struct bus_config config = { .url = "local" };
	struct bus_message message = { .kind = BUS_TO_USER,
		.target = SLICE("bob"),
		.sender = SLICE("ann"),
		.text = SLICE("x") };
	struct bus_join join = { note_done, "bob" };
	struct bus *bus = bus_open(&config, &events, NULL, why, sizeof(why));
	assert_non_null(bus);
	assert_false(bus_is_shared(bus));
	bus_user_joins(bus, &join);
	assert_string_equal(join.name, "");
	assert_int_equal(bus_send(bus, &message), BUS_NOBODY);
	message.kind = BUS_TO_GROUP;
	message.target = SLICE("");
	assert_int_equal(bus_send(bus, &message), BUS_SENT);
	strcpy(join.name, "bob");
	bus_user_leaves(bus, &join);
	assert_string_equal(join.name, "");
	bus_not_here(bus, (struct bus_sender){ 1, 2, 3 });
	bus_close(bus);
	bus_close(NULL);
}

static void other_urls(void **state)
{
	(void)state;
	static const char *const urls[] = { "", "locally", "amqp://user:secret@host" };
	for (size_t i = 0; i < 3; i++) {
		char why[128] = "";
		struct bus_config config = { 0 };
		strcpy(config.url, urls[i]);
		assert_null(bus_open(&config, &events, NULL, why, sizeof(why)));
		assert_non_null(strstr(why, "it must be local"));
		assert_null(strstr(why, "secret"));
	}
}

int main(int argc, char **argv)
{
	UNIT_TEST(nobody_is_anywhere_else);
	UNIT_TEST(other_urls);
	return unit_run(argc, argv);
}
