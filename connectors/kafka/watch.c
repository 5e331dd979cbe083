/* Which message waits longest for its commit. */
#include <inttypes.h>

#include "connectors/kafka/source.h"

enum { WATCH_MS = 1000, REMIND_MS = 60000 };

static struct kafka_partition *find_oldest(const struct kafka_source *s)
{
    struct kafka_partition *oldest = NULL;
    uint64_t since = UINT64_MAX;
    for (size_t i = 0; i < s->partition_count; i++) {
        struct kafka_partition *p = s->partitions[i];
        const struct kafka_place *place = p && p->queue ? kafka_window_oldest(&p->window) : NULL;
        if (!place || place->read_ms >= since) continue;
        since = place->read_ms;
        oldest = p;
    }
    return oldest;
}

/* They stay as they are until somebody acts. */
static void remind_of_lost(struct kafka_source *s)
{
    uint64_t now = loop_now_ms(s->client.loop);
    size_t lost = 0;
    for (size_t i = 0; i < s->partition_count; i++)
        lost += s->partitions[i] && s->partitions[i]->queue && s->partitions[i]->lost;
    if (!lost || now - s->said_lost_ms < REMIND_MS) return;
    s->said_lost_ms = now;
    log_error(s->client.context,
              "not ready: %zu of %zu partitions are read no more: their offsets are gone (see "
              "lost_offset)",
              lost, s->assigned);
}

void kafka_watch(void *source)
{
    struct kafka_source *s = source;
    const struct kafka_partition *p = find_oldest(s);
    char who[300];
    uint64_t age_ms = 0;
    size_t behind = 0;
    if (p) {
        const struct kafka_place *place = kafka_window_oldest(&p->window);
        age_ms = loop_now_ms(s->client.loop) - place->read_ms;
        behind = (size_t)(p->window.tail - p->window.done);
        if (behind) behind--;
        snprintf(who, sizeof(who), "message %s-%" PRId32 "-%" PRId64, p->topic, p->number,
                 place->offset);
    }
    remind_of_lost(s);
    oldest_report(&s->oldest, s->base.pipeline, p ? who : NULL, age_ms, behind);
    loop_timer_start(s->client.loop, &s->watch, WATCH_MS);
}
