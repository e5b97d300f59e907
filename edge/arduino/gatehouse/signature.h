// Whether the server has signed a command: HMAC-SHA256 as 64 hex digits.
#pragma once

#include <string.h>

#if defined(ESP8266)
#include <bearssl/bearssl_hmac.h>

inline void hmacSha256(const char* key, const char* text, unsigned char out[32]) {
  br_hmac_key_context keyed;
  br_hmac_context context;
  br_hmac_key_init(&keyed, &br_sha256_vtable, key, strlen(key));
  br_hmac_init(&context, &keyed, 32);
  br_hmac_update(&context, text, strlen(text));
  br_hmac_out(&context, out);
}
#else
#include <mbedtls/md.h>

inline void hmacSha256(const char* key, const char* text, unsigned char out[32]) {
  mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char*)key,
                  strlen(key), (const unsigned char*)text, strlen(text), out);
}
#endif

// Compares in the same time whatever is wrong, so that nobody can guess digit by digit.
inline bool sameSignature(const char* key, const char* text, const char* signature) {
  unsigned char right[32];
  hmacSha256(key, text, right);
  if (strlen(signature) != 64) return false;
  unsigned char different = 0;
  for (int i = 0; i < 32; i++) {
    different |= "0123456789abcdef"[right[i] >> 4] ^ signature[2 * i];
    different |= "0123456789abcdef"[right[i] & 15] ^ signature[2 * i + 1];
  }
  return different == 0;
}
