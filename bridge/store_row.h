/* A message as a row of the store: its body as it is, and all else in one run of bytes (the head),
 * with a checksum over both, since SQLite's pages have none. Thread: any; the state is the
 * caller's.
 *
 * The head, version 1: the byte 1, then numbers as LEB128 and byte strings as length + 1 and bytes
 * (0: there is none): timestamp, key, topic, position, count of attributes, and of each its type,
 * name, value, subtype. */
#ifndef BRIDGE_STORE_ROW_H
#define BRIDGE_STORE_ROW_H

#include "bridge/msg.h"

/* What a reading points to: the head, the body and the rest of this. */
struct store_room {
    struct attr attrs[MSG_MAX_ATTRS];
};

void store_row_write(const struct msg *m, struct buf *head); /* appends */

/* False: that is no head. draft borrows head. */
bool store_row_read(struct bytes head, struct msg_draft *draft, struct store_room *room) MUST_USE;

/* Ids of messages, one behind the other: byte strings as above. */
void store_ids_add(struct buf *ids, struct bytes id);
bool store_ids_next(struct bytes *ids, struct bytes *id) MUST_USE; /* takes the first away */

/* From text_hash(), which must stay as it is while there are files of this version. */
int64_t store_row_sum(uint32_t lane, struct bytes head, struct bytes body);

#endif
