#include "base/list.h"

#include <stdlib.h>

#include "unit.h"

struct item {
	char letter;
	struct list node;
};

static struct item *item_of(struct list *node)
{
	return list_entry(node, struct item, node);
}

/* The letters of the list from front to back, and the same from back to front, must be one word. */
static void assert_letters(struct list *head, const char *expected)
{
	char forwards[16], backwards[16];
	size_t len = 0, back = sizeof(backwards);
	list_each(node, head) {
		assert_true(len < sizeof(forwards));
		forwards[len++] = item_of(node)->letter;
	}
	for (struct list *node = head->prev; node != head; node = node->prev) {
		assert_true(back > 0);
		backwards[--back] = item_of(node)->letter;
	}
	assert_slice_equal(slice_of(forwards, len), slice_str(expected));
	assert_slice_equal(
	    slice_of(backwards + back, sizeof(backwards) - back), slice_str(expected));
}

static void new_list_is_empty(void **state)
{
	(void)state;
	struct list head;
	list_init(&head);
	assert_true(list_is_empty(&head));
	assert_letters(&head, "");
}

static void keeps_the_order_of_appending(void **state)
{
	(void)state;
	struct item a = { .letter = 'a' }, b = { .letter = 'b' }, c = { .letter = 'c' };
	struct list head;
	list_init(&head);
	list_append(&head, &a.node);
	assert_false(list_is_empty(&head));
	assert_letters(&head, "a");
	list_append(&head, &b.node);
	list_append(&head, &c.node);
	assert_letters(&head, "abc");
}

static void removes_from_front_middle_and_back(void **state)
{
	(void)state;
	struct item item[] = { { .letter = 'a' }, { .letter = 'b' }, { .letter = 'c' },
		{ .letter = 'd' } };
	struct list head;
	list_init(&head);
	for (size_t i = 0; i < 4; i++)
		list_append(&head, &item[i].node);
	list_remove(&item[1].node);
	assert_letters(&head, "acd");
	list_remove(&item[0].node);
	assert_letters(&head, "cd");
	list_remove(&item[3].node);
	assert_letters(&head, "c");
	list_remove(&item[2].node);
	assert_true(list_is_empty(&head));
}

static void node_knows_whether_it_is_in_a_list(void **state)
{
	(void)state;
	struct item a = { .letter = 'a' };
	struct list head;
	list_init(&head);
	assert_false(list_has(&a.node));
	list_append(&head, &a.node);
	assert_true(list_has(&a.node));
	list_remove(&a.node);
	assert_false(list_has(&a.node));
}

static void removing_twice_does_nothing(void **state)
{
	(void)state;
	struct item a = { .letter = 'a' }, b = { .letter = 'b' };
	struct list head;
	list_init(&head);
	list_append(&head, &a.node);
	list_append(&head, &b.node);
	list_remove(&a.node);
	list_remove(&a.node);
	assert_letters(&head, "b");
	list_append(&head, &a.node);
	assert_letters(&head, "ba");
}

static void each_safe_lets_the_body_free(void **state)
{
	(void)state;
	struct list head;
	list_init(&head);
	for (const char *letter = "abcdef"; *letter != '\0'; letter++) {
		struct item *item = calloc(1, sizeof(*item));
		assert_non_null(item);
		item->letter = *letter;
		list_append(&head, &item->node);
	}
	list_each_safe(node, &head) {
		struct item *item = item_of(node);
		if (item->letter % 2 != 0)
			continue;
		list_remove(node);
		free(item);
	}
	assert_letters(&head, "ace");
	list_each_safe(node, &head) {
		list_remove(node);
		free(item_of(node));
	}
	assert_true(list_is_empty(&head));
}

int main(int argc, char **argv)
{
	UNIT_TEST(new_list_is_empty);
	UNIT_TEST(keeps_the_order_of_appending);
	UNIT_TEST(removes_from_front_middle_and_back);
	UNIT_TEST(node_knows_whether_it_is_in_a_list);
	UNIT_TEST(removing_twice_does_nothing);
	UNIT_TEST(each_safe_lets_the_body_free);
	return unit_run(argc, argv);
}
