/* The verbs, by file. Thread: the main one; constant. */
#ifndef CONNECTORS_SQS_QUEUE_VERBS_H
#define CONNECTORS_SQS_QUEUE_VERBS_H

#include "connectors/sqs/queue/run.h"

/* create.c */
extern const struct queue_verb queue_create, queue_set;
/* manage.c */
extern const struct queue_verb queue_delete, queue_purge, queue_attributes, queue_url;
/* list.c */
extern const struct queue_verb queue_list, queue_sources;
/* labels.c */
extern const struct queue_verb queue_tags, queue_tag, queue_untag, queue_permit, queue_revoke;
/* send.c */
extern const struct queue_verb queue_send, queue_send_batch;
/* receive.c */
extern const struct queue_verb queue_receive;
/* handles.c */
extern const struct queue_verb queue_delete_message, queue_delete_batch, queue_visibility,
    queue_visibility_batch;
/* redrive.c */
extern const struct queue_verb queue_redrive_start, queue_redrive_list, queue_redrive_cancel;

#endif
