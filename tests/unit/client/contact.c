#include "client/contact.h"

#include "unit.h"

static void pauses_double_up_to_a_minute(void **state)
{
	(void)state;
	static const uint64_t middles_ms[] = { 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000,
		60000 };
	for (unsigned i = 0; i < sizeof(middles_ms) / sizeof(*middles_ms); i++) {
		assert_int_equal(contact_pause_ms(i, 0), middles_ms[i] * 3 / 4);
		assert_int_equal(contact_pause_ms(i, UINT32_MAX / 2 + 1), middles_ms[i]);
		assert_in_range(contact_pause_ms(i, UINT32_MAX), middles_ms[i] * 5 / 4 - 1,
		    middles_ms[i] * 5 / 4);
	}
	assert_int_equal(contact_pause_ms(1000000, UINT32_MAX / 2 + 1), 60000);
}

int main(int argc, char **argv)
{
	UNIT_TEST(pauses_double_up_to_a_minute);
	return unit_run(argc, argv);
}
