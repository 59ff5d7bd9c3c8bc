/*
 * dialect_mqtt.c: MQTT 3.1.1 clients at QoS 0. A user is whoever subscribes to the topic u/NUMBER; the group is the
 * topic g.
 *
 *	fixed header: type and flags (1 byte), remaining length (1 to 4 bytes of 7 bits, least first); strings: length (2 bytes), bytes
 */
#include <stdio.h>

#include "dialect.h"
#include "meter.h"

enum packet_type {
	CONNECT = 1,
	CONNACK = 2,
	PUBLISH = 3,
	SUBSCRIBE = 8,
	SUBACK = 9,
	PINGRESP = 13
};

enum { TOPIC_SIZE = 16, QOS_MASK = 0x06 };

struct packet {
	char bytes[DIALECT_SAID_MAX_LEN];
	size_t len;
};

static void put_byte(struct packet *k, unsigned byte)
{
	k->bytes[k->len++] = (char)byte;
}

static void put_bytes(struct packet *k, struct slice s)
{
	if (s.len > sizeof(k->bytes) - k->len)
		fail("too long to say");
	memcpy(k->bytes + k->len, s.ptr, s.len);
	k->len += s.len;
}

static void put_string(struct packet *k, struct slice s)
{
	put_byte(k, (unsigned)s.len >> 8);
	put_byte(k, (unsigned)s.len & 0xff);
	put_bytes(k, s);
}

static void put_header(struct packet *k, enum packet_type type, unsigned flags, size_t remaining)
{
	k->len = 0;
	put_byte(k, (unsigned)type << 4 | flags);
	do {
		unsigned more = remaining > 127 ? 128 : 0;
		put_byte(k, (unsigned)(remaining & 127) | more);
		remaining >>= 7;
	} while (remaining > 0);
}

static struct slice topic_of(uint32_t number, char topic[static TOPIC_SIZE])
{
	return slice_of(topic, (size_t)snprintf(topic, TOPIC_SIZE, "u/%u", number));
}

static void send_packet(struct peer *p, const struct packet *k)
{
	link_send(&p->link, slice_of(k->bytes, k->len));
}

static void subscribe(struct peer *p, struct slice topic)
{
	struct packet k;
	put_header(&k, SUBSCRIBE, 2, 2 + 2 + topic.len + 1);
	put_byte(&k, 0);
	put_byte(&k, 1); /* the packet's number; one is under way at most */
	put_string(&k, topic);
	put_byte(&k, 0); /* QoS */
	send_packet(p, &k);
}

static void enter(struct peer *p)
{
	struct packet k;
	char topic[TOPIC_SIZE];
	struct slice name = topic_of(p->number, topic);
	put_header(&k, CONNECT, 0, 10 + 2 + name.len);
	put_string(&k, SLICE("MQTT"));
	put_byte(&k, 4); /* 3.1.1 */
	put_byte(&k, 2); /* clean session */
	put_byte(&k, 0); /* no keep-alive */
	put_byte(&k, 0);
	put_string(&k, name);
	send_packet(p, &k);
	subscribe(p, name);
}

static void join(struct peer *p)
{
	subscribe(p, SLICE("g"));
}

static void publish(struct peer *p, struct slice topic, struct slice text)
{
	struct packet k;
	put_header(&k, PUBLISH, 0, 2 + topic.len + text.len);
	put_string(&k, topic);
	put_bytes(&k, text);
	send_packet(p, &k);
}

static void say(struct peer *p, uint32_t to, struct slice text)
{
	char topic[TOPIC_SIZE];
	publish(p, topic_of(to, topic), text);
}

static void say_to_group(struct peer *p, struct slice text)
{
	publish(p, SLICE("g"), text);
}

/* Reads the fixed header. Returns its length, 0: there is not all of it. */
static size_t read_header(struct slice in, size_t *remaining_r)
{
	*remaining_r = 0;
	for (size_t at = 1; at < in.len && at <= 4; at++) {
		unsigned byte = (unsigned char)in.ptr[at];
		*remaining_r |= (size_t)(byte & 127) << (7 * (at - 1));
		if (byte < 128)
			return at + 1;
	}
	return 0;
}

static bool is_refusal(enum packet_type type, struct slice body)
{
	return (type == CONNACK && (body.len < 2 || body.ptr[1] != 0)) ||
	       (type == SUBACK && (body.len < 3 || body.ptr[2] != 0));
}

static struct event event_of(enum packet_type type, struct slice body)
{
	struct event event = { .kind = EVENT_NONE, .text = SLICE("refused") };
	if (type == PUBLISH && body.len >= 2) {
		size_t topic_len =
		    (size_t)((unsigned char)body.ptr[0] << 8) | (unsigned char)body.ptr[1];
		event.kind = EVENT_TEXT;
		event.text = slice_skip(body, 2 + topic_len < body.len ? 2 + topic_len : body.len);
	} else if (is_refusal(type, body)) {
		event.kind = EVENT_REFUSED;
	} else if (type == SUBACK) {
		event.kind = EVENT_DONE;
	}
	return event;
}

static size_t hear(struct peer *p, struct slice in, struct event *event_r)
{
	size_t remaining, head_len = read_header(in, &remaining);
	if (head_len == 0 || in.len - head_len < remaining)
		return 0;
	unsigned first = (unsigned char)in.ptr[0];
	if (first >> 4 == PUBLISH && (first & QOS_MASK) != 0)
		fail("a text at a QoS that nobody asked for");
	*event_r = event_of((enum packet_type)(first >> 4), slice_of(in.ptr + head_len, remaining));
	return head_len + remaining;
}

const struct dialect dialect_mqtt = {
	.name = "mqtt",
	.enter = enter,
	.join = join,
	.say = say,
	.say_to_group = say_to_group,
	.hear = hear,
};
