/* Which partitions are ours. Given ones are read from queues of their own. Before some are taken
 * away, what is in flight gets a short time to be confirmed and committed, so that a rebalance
 * repeats no message in normal running; then they are forgotten. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/text.h"
#include "connectors/kafka/source.h"

enum {
    REVOKE_MS = 2000, /* others of the group wait for us meanwhile */
    LOOP_MS = 60000,
    LOOP_COUNT = 5,
};

/* ---- partitions come ---- */

static size_t free_place(struct kafka_source *s)
{
    for (size_t i = 0; i < s->partition_count; i++)
        if (!s->partitions[i]) return i;
    size_t size = (s->partition_count + 1) * sizeof(struct kafka_partition *);
    s->partitions = mem_realloc(s->partitions, size);
    return s->partition_count++;
}

uint32_t kafka_lane_of(const char *topic, int32_t number)
{
    char name[300];
    int len = snprintf(name, sizeof(name), "%s-%" PRId32, topic, number);
    uint64_t hash = text_hash(bytes_of(name, (size_t)len));
    uint32_t lane = (uint32_t)(hash ^ hash >> 32);
    return lane ? lane : 1;
}

/* The pipeline says once that a lane is held: a partition that comes back finds its lane as it was
 * left, while messages of it are in flight. */
static bool lane_is_held(const struct kafka_source *s, uint32_t lane_id)
{
    for (size_t i = 0; i < s->partition_count; i++) {
        const struct kafka_partition *p = s->partitions[i];
        if (p && p->lane_id == lane_id && p->held) return true;
    }
    return false;
}

static void add_partition(struct kafka_source *s, const char *topic, int32_t number)
{
    struct kafka_partition *p = mem_zalloc(sizeof(*p));
    p->topic = mem_strdup(topic);
    p->topic_len = strlen(topic);
    p->number = number;
    p->lane_id = kafka_lane_of(topic, number);
    p->held = lane_is_held(s, p->lane_id);
    p->next_offset = p->begin = RD_KAFKA_OFFSET_INVALID;
    p->index = free_place(s);
    p->queue = rd_kafka_queue_get_partition(s->client.rk, topic, number);
    rd_kafka_queue_forward(p->queue, NULL); /* before assign, which would join it to the others */
    kafka_client_watch(&s->client, p->queue);
    s->partitions[p->index] = p;
    s->assigned++;
}

bool kafka_assignment_is_cooperative(const struct kafka_source *s)
{
    return strcmp(rd_kafka_rebalance_protocol(s->client.rk), "COOPERATIVE") == 0;
}

static void answer_assign(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list)
{
    if (kafka_assignment_is_cooperative(s))
        rd_kafka_error_destroy(rd_kafka_incremental_assign(s->client.rk, list));
    else
        rd_kafka_assign(s->client.rk, list);
}

static void answer_unassign(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list)
{
    if (kafka_assignment_is_cooperative(s))
        rd_kafka_error_destroy(rd_kafka_incremental_unassign(s->client.rk, list));
    else
        rd_kafka_assign(s->client.rk, NULL);
}

static void watch_for_loops(struct kafka_source *s)
{
    uint64_t now = loop_now_ms(s->client.loop);
    if (now - s->rebalances_since_ms > LOOP_MS) {
        s->rebalances_since_ms = now;
        s->rebalances = 0;
    }
    if (++s->rebalances == LOOP_COUNT)
        log_warn(s->client.context,
                 "consumer group \"%s\": partitions were shared out %d times within a minute "
                 "(members that come and go? a session_timeout that is too short?)",
                 s->conf->group_id, LOOP_COUNT);
}

static void assign(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        add_partition(s, list->elems[i].topic, list->elems[i].partition);
    answer_assign(s, list);
    watch_for_loops(s);
    log_info(s->client.context, "consumer group \"%s\": %zu partitions are ours now",
             s->conf->group_id, s->assigned);
    kafka_source_state(s, true, NULL);
    kafka_read_again(s);
}

/* ---- partitions go ---- */

void kafka_partition_free_if_done(struct kafka_source *s, struct kafka_partition *p)
{
    if (p->queue || p->in_flight) return;
    s->partitions[p->index] = NULL;
    kafka_window_free(&p->window);
    free(p->topic);
    free(p);
}

/* What it holds goes back unacknowledged; what is in flight finds the way back by its cookie. */
static void drop(struct kafka_source *s, struct kafka_partition *p)
{
    struct receipt *r;
    kafka_client_unwatch(p->queue);
    rd_kafka_queue_destroy(p->queue);
    p->queue = NULL;
    s->assigned--;
    while ((r = kafka_window_abandon(&p->window)))
        kafka_commit_gather(s, r);
    kafka_partition_free_if_done(s, p);
}

static void drop_where(struct kafka_source *s, bool only_revoking)
{
    for (size_t i = 0; i < s->partition_count; i++) {
        struct kafka_partition *p = s->partitions[i];
        if (p && p->queue && (p->revoking || !only_revoking)) drop(s, p);
    }
    kafka_commit_forget(s);
    kafka_commit_acknowledge(s);
}

static void finish_revoke(struct kafka_source *s, rd_kafka_event_t *event, bool lost)
{
    if (!lost && s->commit.waiting) kafka_commit_send(s); /* in vain, or not: no time to wait */
    drop_where(s, true);
    if (lost && !kafka_assignment_is_cooperative(s))
        rd_kafka_assign(s->client.rk, NULL);
    else
        answer_unassign(s, rd_kafka_event_topic_partition_list(event));
    log_info(s->client.context, "consumer group \"%s\": partitions %s, %zu are left",
             s->conf->group_id, lost ? "were lost" : "are given back", s->assigned);
}

static void end_revoke(struct kafka_source *s)
{
    rd_kafka_event_t *event = s->revoke;
    s->revoke = NULL;
    loop_timer_stop(s->client.loop, &s->revoke_timer);
    finish_revoke(s, event, false);
    rd_kafka_event_destroy(event);
}

/* While closing, nothing more will be confirmed: only what is confirmed must be committed. */
static bool must_wait_for(const struct kafka_source *s, const struct kafka_partition *p)
{
    if (!p || !p->revoking) return false;
    bool uncommitted = p->window.done > p->window.head;
    return uncommitted || (s->phase == KAFKA_SOURCE_OPEN && p->in_flight);
}

void kafka_assignment_step(struct kafka_source *s)
{
    if (!s->revoke) return;
    for (size_t i = 0; i < s->partition_count; i++) {
        if (!must_wait_for(s, s->partitions[i])) continue;
        kafka_commit_consider(s);
        return;
    }
    end_revoke(s);
}

void kafka_assignment_time_up(void *source)
{
    struct kafka_source *s = source;
    if (s->revoke) end_revoke(s);
}

static void mark_revoking(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list)
{
    for (size_t i = 0; i < s->partition_count; i++) {
        struct kafka_partition *p = s->partitions[i];
        if (!p || !p->queue) continue;
        for (int k = 0; k < list->cnt && !p->revoking; k++)
            p->revoking = list->elems[k].partition == p->number &&
                          strcmp(list->elems[k].topic, p->topic) == 0;
    }
}

static bool begin_revoke(struct kafka_source *s, rd_kafka_event_t *event)
{
    mark_revoking(s, rd_kafka_event_topic_partition_list(event));
    if (rd_kafka_assignment_lost(s->client.rk)) {
        finish_revoke(s, event, true);
        return false;
    }
    s->revoke = event;
    loop_timer_start(s->client.loop, &s->revoke_timer, REVOKE_MS);
    kafka_assignment_step(s);
    return true;
}

bool kafka_assignment_change(struct kafka_source *s, rd_kafka_event_t *event)
{
    switch ((int)rd_kafka_event_error(event)) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        assign(s, rd_kafka_event_topic_partition_list(event));
        return false;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        return begin_revoke(s, event);
    default: /* so says the manual */
        rd_kafka_assign(s->client.rk, NULL);
        return false;
    }
}

void kafka_assignment_drop_all(struct kafka_source *s)
{
    rd_kafka_event_destroy(s->revoke);
    s->revoke = NULL;
    loop_timer_stop(s->client.loop, &s->revoke_timer);
    loop_timer_stop(s->client.loop, &s->commit.timer);
    loop_timer_stop(s->client.loop, &s->begin_timer);
    drop_where(s, false);
}
