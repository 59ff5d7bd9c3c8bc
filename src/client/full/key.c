#include "client/full/key.h"

#include <utf8proc.h>

size_t key_utf8(uint32_t character, char out[static KEY_UTF8_LEN])
{
	if (character > INT32_MAX || !utf8proc_codepoint_valid((utf8proc_int32_t)character))
		return 0;
	return (size_t)utf8proc_encode_char((utf8proc_int32_t)character, (utf8proc_uint8_t *)out);
}
