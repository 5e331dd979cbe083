/* The SQS source without what its guarantees cost, for script/bench guarantees: no heartbeats, no
 * memory of what was deleted, no lanes. The functions take the place of the real ones at link
 * time, and are in no product. */
#include "connectors/sqs/sqs_source.h"

void __wrap_sqs_beats_received(struct sqs_source *s, struct sqs_held *h);
void __wrap_sqs_beats_forget(struct sqs_source *s, struct sqs_held *h);
void __wrap_sqs_memory_add(struct sqs_memory *m, struct bytes id, uint64_t now_ms);
void __wrap_pipeline_emit(struct pipeline *p, struct msg *m, uint64_t cookie, uint32_t lane_id);
void __real_pipeline_emit(struct pipeline *p, struct msg *m, uint64_t cookie, uint32_t lane_id);

void __wrap_sqs_beats_received(struct sqs_source *s, struct sqs_held *h)
{
    (void)s;
    h->expires_ms = UINT64_MAX;
}

void __wrap_sqs_beats_forget(struct sqs_source *s, struct sqs_held *h)
{
    (void)s;
    (void)h;
}

void __wrap_sqs_memory_add(struct sqs_memory *m, struct bytes id, uint64_t now_ms)
{
    (void)m;
    (void)id;
    (void)now_ms;
}

void __wrap_pipeline_emit(struct pipeline *p, struct msg *m, uint64_t cookie, uint32_t lane_id)
{
    (void)lane_id;
    __real_pipeline_emit(p, m, cookie, 0);
}
