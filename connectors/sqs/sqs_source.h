/* The insides of the source, shared by its parts:
 *   sqs_poller.c      receives, as many at once as come back full
 *   sqs_delete.c      deletes what is confirmed, ten at a time
 *   sqs_visibility.c  keeps messages ours (heartbeats)
 *   sqs_release.c     gives them back
 *   sqs_batch.c       the requests that name up to ten held messages
 *   sqs_intake.c      looks at what came, and hands it on
 *   sqs_source.c      the life of the source
 * Thread: the pipeline's. */
#ifndef CONNECTORS_SQS_SQS_SOURCE_H
#define CONNECTORS_SQS_SQS_SOURCE_H

#include "bridge/log.h"
#include "connectors/sqs/sqs_client.h"
#include "connectors/sqs/sqs_digest.h"
#include "connectors/sqs/sqs_held.h"
#include "connectors/sqs/sqs_memory.h"
#include "connectors/sqs/sqs_retry.h"
#include "connectors/sqs/sqs_wire.h"

struct sqs_source;

/* ---- sqs_batch.c ---- */

/* A request about held messages; from a pool, and back in it after done(). */
struct sqs_batch {
    struct sqs_call call;
    struct sqs_source *source;
    void (*done)(struct sqs_batch *b);
    size_t count;
    struct sqs_held *held[SQS_BATCH];
    uint32_t versions[SQS_BATCH]; /* of the handles that are sent */
    struct sqs_result results[SQS_BATCH];
    int64_t seconds[SQS_BATCH]; /* of a change of visibility */
    uint64_t sent_ms;
    TAILQ_ENTRY(sqs_batch) pool;
};
TAILQ_HEAD(sqs_batch_list, sqs_batch);

struct sqs_batch *sqs_batch_take(struct sqs_source *s, void (*done)(struct sqs_batch *b));
void sqs_batch_add(struct sqs_batch *b, struct sqs_held *h, int64_t seconds); /* count < ten */
void sqs_batch_send(struct sqs_batch *b, enum sqs_action action);

/* For changes of visibility: b, where n more fit, so that a group stays together; else a new one,
 * and b is on its way. b may be NULL. */
struct sqs_batch *sqs_batch_with_room(struct sqs_source *s, struct sqs_batch *b, size_t n,
                                      void (*done)(struct sqs_batch *b));
void sqs_batch_free_all(struct sqs_source *s);

/* What became of entry i: SQS_OK, or why not. Entries that were not answered are transient. */
enum sqs_class sqs_batch_outcome(const struct sqs_batch *b, size_t i);

/* The message came again since the request was written: its outcome is about an old handle. */
bool sqs_batch_outdated(const struct sqs_batch *b, size_t i);

/* ---- sqs_poller.c ---- */

struct sqs_poll;
TAILQ_HEAD(sqs_poll_list, sqs_poll);

struct sqs_pollers {
    struct sqs_poll_list open, idle;
    unsigned open_count, wanted; /* wanted: what the load asks for, 1 .. max_pollers */
    unsigned batch;              /* messages per receive: ten, or the whole window */
    bool proved; /* the last answer was good: until then polls don't wait for messages */
    struct sqs_backoff backoff;
    struct loop_timer pause; /* after a failure: one poll tries again when it fires */
    struct loop_timer grace; /* at a stop: polls that wait for messages are cancelled */
    struct loop_timer echo;  /* armed while SQS may not have seen yet that they are */
};
void sqs_pollers_init(struct sqs_source *s);
void sqs_pollers_pump(struct sqs_source *s);
void sqs_pollers_stop(struct sqs_source *s); /* sqs_source_advance() follows when all are closed */
bool sqs_pollers_are_gone(const struct sqs_source *s);
void sqs_pollers_halt(struct sqs_source *s); /* its timers, at the very end */
void sqs_pollers_free(struct sqs_source *s);

/* ---- sqs_delete.c ---- */

/* Remembered for long (undeleted): a message whose delete failed because its handle went stale. It
 * was confirmed, so when it comes again it is deleted with its new handle and not sent again.
 * Remembered for seconds: one that was deleted, because a standard queue may have given it out
 * twice, and the second answer may still be on its way. */
struct sqs_deletes {
    struct sqs_memory undeleted, deleted;
    struct sqs_held_list waiting, again; /* again: failed, wait for the pause to be over */
    size_t waiting_count;
    unsigned in_flight, max_in_flight; /* requests */
    unsigned alone; /* so many of those that wait are sent one by one: a batch was refused */
    bool lingered, down;
    struct loop_timer linger, pause;
    struct sqs_backoff backoff;
    struct log_limit complaint;
};
void sqs_deletes_init(struct sqs_source *s);
void sqs_deletes_free(struct sqs_source *s);
void sqs_delete(struct sqs_source *s, struct sqs_held *h);      /* state: SQS_DELETING */
bool sqs_deletes_forget(struct sqs_source *s, struct bytes id); /* true: it was remembered */
void sqs_deletes_pump(struct sqs_source *s);
bool sqs_deletes_idle(const struct sqs_source *s);
void sqs_deletes_halt(struct sqs_source *s);

/* ---- sqs_visibility.c ---- */

/* The visibility timeout doubles with each heartbeat, up to 15 minutes: level 0 is the first one,
 * from the receive. Each level is a list in the order in which its messages fall due. */
enum { SQS_BEAT_LEVELS = 11, SQS_BEAT_RETRY = SQS_BEAT_LEVELS, SQS_BEAT_LISTS };

struct sqs_beats {
    int64_t visibility_s; /* of a receive */
    struct sqs_held_list lists[SQS_BEAT_LISTS];
    struct loop_timer timer;
    struct log_limit complaint;
};
void sqs_beats_init(struct sqs_source *s);
void sqs_beats_received(struct sqs_source *s,
                        struct sqs_held *h);                     /* for the first time, or again */
void sqs_beats_forget(struct sqs_source *s, struct sqs_held *h); /* no more heartbeats for it */
bool sqs_beats_keep(const struct sqs_source *s, const struct sqs_held *h); /* it is ours still */
void sqs_beats_halt(struct sqs_source *s);

/* So many seconds from now, cut where the twelve hours from its receive end; 0: they are over. */
int64_t sqs_beats_within_limit_s(const struct sqs_source *s, const struct sqs_held *h,
                                 int64_t seconds);
int64_t sqs_beats_extension_s(int64_t visibility_s, uint32_t level);

/* ---- sqs_release.c ---- */

struct sqs_releases {
    struct sqs_held_list waiting;
    size_t in_flight; /* messages */
    struct log_limit complaint, again_and_again;
};
void sqs_releases_init(struct sqs_source *s);
void sqs_release(struct sqs_source *s, struct sqs_held *h); /* sent by the next pump */
void sqs_releases_pump(struct sqs_source *s);
bool sqs_releases_idle(const struct sqs_source *s);

/* False: it was received as often as the queue's redrive policy allows. What would be its next
 * receive moves it to the queue's dead-letter queue. */
bool sqs_comes_again(const struct sqs_source *s, const struct sqs_held *h);

/* ---- sqs_intake.c, sqs_source.c ---- */

enum sqs_source_part { SQS_PART_RECEIVE = 1, SQS_PART_DELETE = 2 };

struct sqs_source {
    struct source base;
    const struct sqs_source_conf *conf;
    struct pipeline *pipeline;
    struct sqs_queue queue;
    struct sqs_client *polls, *acks; /* deletes never wait behind long polls */
    unsigned clients_open;
    struct sqs_call setup; /* GetQueueAttributes, at the start */
    struct sqs_queue_facts facts;
    struct loop_timer setup_pause;
    struct sqs_backoff setup_backoff;
    struct sqs_digest *digest;

    struct sqs_held_table held;
    struct sqs_pollers pollers;
    struct sqs_deletes deletes;
    struct sqs_beats beats;
    struct sqs_releases releases;
    struct sqs_batch_list batches; /* unused ones */

    struct sqs_received received; /* of the answer at hand */
    struct attr attrs[MSG_MAX_ATTRS];
    struct buf scratch;
    struct log_limit md5_complaint;

    unsigned parts_down; /* enum sqs_source_part */
    bool stopping, closing, closed;
    struct loop_timer close_deadline;
};

/* Takes what a receive brought; returns how many reserved places it used. */
unsigned sqs_source_take(struct sqs_source *s, const struct sqs_received *received);

/* The source is up while all its parts are. */
void sqs_source_report(struct sqs_source *s, enum sqs_source_part part, const struct error *why);

/* SQS has forgotten the message, or we have: its receipt goes back (unless there is none). */
void sqs_source_acknowledge(struct sqs_source *s, struct sqs_held *h);

/* Something has ended: goes on with the stop, as far as it has come. */
void sqs_source_advance(struct sqs_source *s);

#endif
