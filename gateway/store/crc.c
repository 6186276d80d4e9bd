/* crc.c - CRC-32C, eight bytes a step. Runs in: store. Owns: its tables, made at first use.
 * Trusts: nothing. Against accidents only: who wants to forge has the signed digests to beat. */
#include "store/crc.h"

#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL UINT32_C(0x82f63b78) /* 0x1edc6f41, bits reversed */

static uint32_t table[8][256];

static void
table_make(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = (c >> 1) ^ ((c & 1) != 0 ? POLYNOMIAL : 0);
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
	const uint8_t *b = p;

	if (table[0][1] == 0)
		table_make();
	crc = ~crc;
	for (; n >= 8; n -= 8, b += 8) {
		uint32_t lo, hi;

		memcpy(&lo, b,
		       4); /* little-endian hosts: the only ones that the gateway is built for */
		memcpy(&hi, b + 4, 4);
		lo ^= crc;
		crc = table[7][lo & 0xff] ^ table[6][(lo >> 8) & 0xff] ^
		      table[5][(lo >> 16) & 0xff] ^ table[4][lo >> 24] ^ table[3][hi & 0xff] ^
		      table[2][(hi >> 8) & 0xff] ^ table[1][(hi >> 16) & 0xff] ^ table[0][hi >> 24];
	}
	for (; n > 0; n--, b++)
		crc = (crc >> 8) ^ table[0][(crc ^ *b) & 0xff];
	return ~crc;
}
