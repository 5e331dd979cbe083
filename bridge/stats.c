#include "bridge/stats.h"

#include "bridge/json.h"
#include "bridge/loop.h"

const char *counter_name(enum counter which)
{
    static const char *const names[COUNTERS] = {
        [COUNT_RECEIVED] = "received",
        [COUNT_REDELIVERED] = "redelivered",
        [COUNT_CONFIRMED] = "confirmed",
        [COUNT_ACKNOWLEDGED] = "acknowledged",
        [COUNT_RELEASED] = "released",
        [COUNT_RETRIED] = "retried",
        [COUNT_REJECTED] = "rejected",
        [COUNT_DEAD_LETTERED] = "dead_lettered",
        [COUNT_DROPPED] = "dropped",
        [COUNT_DROPPED_FULL] = "dropped_store_full",
        [COUNT_DROPPED_AGE] = "dropped_store_age",
        [COUNT_DROPPED_CORRUPT] = "dropped_store_corrupt",
        [COUNT_REQUESTS] = "requests",
        [COUNT_FAILED_REQUESTS] = "failed_requests",
        [COUNT_RECEIVED_BYTES] = "received_bytes",
        [COUNT_DROPPED_REJECTED] = "dropped_rejected",
        [COUNT_DROPPED_ATTEMPTS] = "dropped_attempts",
        [COUNT_DROPPED_BAD_LINE] = "dropped_bad_line",
        [COUNT_DROPPED_NO_ROOM] = "dropped_no_room",
        [COUNT_RELEASED_REJECTED] = "released_rejected",
        [COUNT_WRONG_BODIES] = "wrong_md5_bodies",
        [COUNT_WRONG_ATTRIBUTES] = "wrong_md5_attributes",
    };
    return names[which];
}

static void put_number(struct json_writer *w, const char *name, uint64_t value)
{
    json_key(w, name);
    json_number(w, (int64_t)value);
}

void stats_write(const struct stats *s, const char *pipeline, unsigned worker, struct buf *out)
{
    struct json_writer w = {.out = out};
    json_object(&w);
    json_key(&w, "pipeline");
    json_string(&w, bytes_str(pipeline));
    put_number(&w, "worker", worker);
    put_number(&w, "time_ms", (uint64_t)loop_unix_ms());
    for (enum counter c = 0; c < COUNTERS; c++)
        put_number(&w, counter_name(c), stats_get(s, c));
    put_number(&w, "in_flight", atomic_load_explicit(&s->in_flight, memory_order_relaxed));
    put_number(&w, "in_flight_bytes",
               atomic_load_explicit(&s->in_flight_bytes, memory_order_relaxed));
    put_number(&w, "store_messages",
               atomic_load_explicit(&s->store_messages, memory_order_relaxed));
    put_number(&w, "store_bytes", atomic_load_explicit(&s->store_bytes, memory_order_relaxed));
    put_number(&w, "oldest_ms", atomic_load_explicit(&s->oldest_ms, memory_order_relaxed));
    put_number(&w, "longest_turn_us",
               atomic_load_explicit(&s->longest_turn_us, memory_order_relaxed));
    json_object_end(&w);
}
