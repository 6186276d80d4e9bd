/* crc.h - CRC-32C (RFC 3720 appendix B.4): tells a torn or damaged journal record. Pure. */
#ifndef SAFEHAND_STORE_CRC_H
#define SAFEHAND_STORE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of n bytes, going on from crc (0 at the start). */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

#endif
