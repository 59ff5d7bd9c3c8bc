/* The bus of a server that stands alone. */
#include "bus/bus.h"

#include "unit.h"

static void deliver(void *arg, const struct bus_message *message)
{
	(void)arg;
	(void)message;
	fail();
}

static void nobody_is_anywhere_else(void **state)
{
	(void)state;
	char why[128] = "";
	struct bus_message message = {
		.target = SLICE("bob"), .sender = SLICE("ann"), .text = SLICE("x")
	};
	struct bus *bus = bus_open("local", "node", deliver, NULL, why, sizeof(why));
	assert_non_null(bus);
	bus_user_joined(bus, SLICE("bob"));
	message.kind = BUS_TO_USER;
	assert_int_equal(bus_send(bus, &message), BUS_NOBODY);
	message.kind = BUS_TO_GROUP;
	assert_int_equal(bus_send(bus, &message), BUS_SENT);
	bus_user_left(bus, SLICE("bob"));
	bus_close(bus);
	bus_close(NULL);
}

static void other_urls(void **state)
{
	(void)state;
	static const char *const urls[] = { "", "locally", "nats://127.0.0.1" };
	for (size_t i = 0; i < 3; i++) {
		char why[128] = "";
		assert_null(bus_open(urls[i], "node", deliver, NULL, why, sizeof(why)));
		assert_non_null(strstr(why, "it must be local"));
	}
}

int main(int argc, char **argv)
{
	UNIT_TEST(nobody_is_anywhere_else);
	UNIT_TEST(other_urls);
	return unit_run(argc, argv);
}
