// What a sign remembers of what it asked: which answer holds, and until when. The same rules as controller/sign/frames.py
// (its first lines say why); tests/sign/test_sign_esphome.py compares the two. Plain C, no heap, times in ms from millis().
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SIGN_TTL_MS = 3000, SIGN_ASKS = 8, SIGN_NUMBER = 17, SIGN_MOST_BYTES = 128 * 128 / 8 };

struct sign_ask_memory {
  bool used;
  uint32_t at, order;
  char number[SIGN_NUMBER];
};

struct sign_memory {
  int width, height;  // LEDs, multiples of 8
  int brightness;     // 0 to 15
  bool lit;
  uint32_t until;
  uint32_t asked;                   // questions so far
  uint32_t last_order, last_seq;    // the newest answer
  struct sign_ask_memory asks[SIGN_ASKS];
  uint8_t rows[SIGN_MOST_BYTES];
};

// The node's own memory.
static inline struct sign_memory *sign_here(void) {
  static struct sign_memory here;
  return &here;
}

static inline void sign_begin(struct sign_memory *sign, int width, int height) {
  memset(sign, 0, sizeof *sign);
  sign->width = width;
  sign->height = height;
}

// Whether something is lit now. Call it at least once a second: what ran out is forgotten, so that a clock which wraps after
// 49 days revives nothing.
static inline bool sign_is_lit(struct sign_memory *sign, uint32_t now) {
  for (int i = 0; i < SIGN_ASKS; i++)
    if (sign->asks[i].used && now - sign->asks[i].at > SIGN_TTL_MS) sign->asks[i].used = false;
  if (sign->lit && (int32_t) (sign->until - now) < 0) sign->lit = false;
  return sign->lit;
}

static inline bool sign_pixel(const struct sign_memory *sign, int x, int y) {
  return sign->rows[(y * sign->width + x) / 8] >> (7 - x % 8) & 1;
}

// A new question, made of two random numbers.
static inline const char *sign_ask(struct sign_memory *sign, uint32_t now, uint32_t random_1, uint32_t random_2) {
  struct sign_ask_memory *ask = &sign->asks[++sign->asked % SIGN_ASKS];
  ask->used = true;
  ask->at = now;
  ask->order = sign->asked;
  snprintf(ask->number, sizeof ask->number, "%08lx%08lx", (unsigned long) random_1, (unsigned long) random_2);
  return ask->number;
}

static inline int sign_hex(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

// An answer; rows NULL: be dark. Returns whether it was believed; one that is not changes nothing.
static inline bool sign_hear(struct sign_memory *sign, uint32_t now, const char *number, uint32_t seq, float valid_for_s,
                             int width, int height, int brightness, const char *rows) {
  const struct sign_ask_memory *ask = NULL;
  size_t bytes = (size_t) sign->width * (size_t) sign->height / 8;
  sign_is_lit(sign, now);
  if (number == NULL || width != sign->width || height != sign->height || bytes > SIGN_MOST_BYTES) return false;
  if (brightness < 0 || brightness > 15 || !(valid_for_s >= 0)) return false;
  for (int i = 0; i < SIGN_ASKS; i++)
    if (sign->asks[i].used && strcmp(sign->asks[i].number, number) == 0) ask = &sign->asks[i];
  if (ask == NULL) return false;
  if (ask->order < sign->last_order || (ask->order == sign->last_order && seq <= sign->last_seq)) return false;
  if (rows != NULL) {
    if (strlen(rows) != 2 * bytes) return false;
    for (size_t i = 0; i < 2 * bytes; i++)
      if (sign_hex(rows[i]) < 0) return false;
    for (size_t i = 0; i < bytes; i++) sign->rows[i] = (uint8_t) (sign_hex(rows[2 * i]) << 4 | sign_hex(rows[2 * i + 1]));
  }
  sign->last_order = ask->order;
  sign->last_seq = seq;
  sign->brightness = brightness;
  sign->lit = rows != NULL;
  sign->until = ask->at + (valid_for_s < 3.0f ? (uint32_t) (valid_for_s * 1000.0f) : (uint32_t) SIGN_TTL_MS);
  sign_is_lit(sign, now);
  return true;
}
