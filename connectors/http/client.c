#include "connectors/http/client.h"

#include <pthread.h>
#include <stdlib.h>

#include "connectors/http/ca_store.h"

static struct http_exchange *take_exchange(struct http_client *c)
{
    struct http_exchange *x = c->idle;
    if (x) {
        c->idle = x->next_idle;
        return x;
    }
    if (c->exchange_count == c->options.max_connections) return NULL;
    x = exchange_create(c);
    x->next = c->exchanges;
    c->exchanges = x;
    c->exchange_count++;
    return x;
}

static void begin(struct http_client *c, struct http_exchange *x, struct http_request *r)
{
    exchange_load(x, r);
    if (curl_multi_add_handle(c->multi, x->easy) != CURLM_OK) abort(); /* out of memory */
}

static void wait_in_line(struct http_client *c, struct http_request *r)
{
    r->next = NULL;
    *c->waiting_end = r;
    c->waiting_end = &r->next;
}

static struct http_request *first_in_line(struct http_client *c)
{
    struct http_request *r = c->waiting;
    if (!r) return NULL;
    c->waiting = r->next;
    if (!c->waiting) c->waiting_end = &c->waiting;
    return r;
}

static void leave_line(struct http_client *c, const struct http_request *r)
{
    struct http_request **slot = &c->waiting;
    while (*slot && *slot != r)
        slot = &(*slot)->next;
    if (!*slot) return;
    *slot = r->next;
    if (!*slot) c->waiting_end = slot;
}

void http_send(struct http_client *c, struct http_request *r)
{
    exchange_clear_answer(r);
    struct http_exchange *x = c->closing ? NULL : take_exchange(c);
    if (x) {
        begin(c, x, r);
        return;
    }
    wait_in_line(c, r);
    if (c->closing) loop_at_turn_end(c->loop, &c->turn_end);
}

/* The exchange goes to the next in line, before the sender of this one can send again. */
static void recycle(struct http_client *c, struct http_exchange *x)
{
    struct http_request *r = c->closing ? NULL : first_in_line(c);
    if (r) {
        begin(c, x, r);
        return;
    }
    x->next_idle = c->idle;
    c->idle = x;
}

/* The far end had closed the idle connection before the request reached it. libcurl sends again by
 * itself, but an easy handle that did so five times in its life refuses once (7.88.1). */
static bool met_a_dead_connection(const struct http_exchange *x, CURLcode result)
{
    long made = 0;
    curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &made);
    return result == CURLE_SEND_ERROR && made == 0;
}

static void send_again(struct http_client *c, struct http_exchange *x)
{
    curl_multi_remove_handle(c->multi, x->easy);
    begin(c, x, x->request);
}

static void finish(struct http_client *c, struct http_exchange *x, CURLcode result)
{
    struct http_request *r = x->request;
    if (met_a_dead_connection(x, result)) {
        send_again(c, x);
        return;
    }
    exchange_unload(x, result);
    if (!r->status) failure_describe(x, result, &r->error);
    curl_multi_remove_handle(c->multi, x->easy);
    recycle(c, x);
    r->done(r);
}

static void hand_over(struct http_client *c)
{
    int left;
    CURLMsg *message;
    while (!c->closing && (message = curl_multi_info_read(c->multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        struct http_exchange *x;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &x);
        finish(c, x, result);
    }
}

void http_client_act(struct http_client *c, curl_socket_t socket, int events)
{
    int running;
    curl_multi_socket_action(c->multi, socket, events, &running);
    hand_over(c);
}

void http_cancel(struct http_client *c, struct http_request *r)
{
    struct http_exchange *x = r->exchange;
    if (!x) {
        leave_line(c, r);
        return;
    }
    x->request = NULL;
    r->exchange = NULL;
    curl_multi_remove_handle(c->multi, x->easy);
    recycle(c, x);
}

void http_request_free(struct http_request *r)
{
    free(r->response.ptr);
    r->response = (struct buf){0};
}

static int on_timer_change(CURLM *multi, long after_ms, void *arg)
{
    (void)multi;
    struct http_client *c = arg;
    if (after_ms > 0)
        loop_timer_start(c->loop, &c->timer, (uint64_t)after_ms);
    else
        loop_timer_stop(c->loop, &c->timer);
    if (after_ms == 0) loop_at_turn_end(c->loop, &c->turn_end);
    return 0;
}

static void on_timer(void *arg)
{
    http_client_act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void end_waiting(struct http_client *c)
{
    struct http_request *last = NULL, *r; /* what done() sends anew waits for the next turn */
    for (struct http_request *each = c->waiting; each; each = each->next)
        last = each;
    while (last && (r = first_in_line(c))) {
        if (r == last) last = NULL;
        r->answered_ms = loop_now_ms(c->loop);
        error_set(&r->error, FAULT_DOWN, "request to %s: not sent: the bridge is closing", r->url);
        r->done(r);
    }
}

static void destroy(struct http_client *c)
{
    void (*closed)(void *arg) = c->closed;
    void *arg = c->closed_arg;
    loop_cancel_task(c->loop, &c->turn_end);
    free(c->sockets);
    free(c->ca_file);
    free(c->proxy);
    free(c);
    closed(arg);
}

/* libcurl has given up on one address of a host, and goes to the next one when it is called again,
 * for which it sets no timer (7.88.1). */
static void act_on_all(struct http_client *c)
{
    int running;
    c->gave_up_address = false;
    CURL_IGNORE_DEPRECATION(curl_multi_socket_all(c->multi, &running);)
}

static void on_turn_end(void *arg)
{
    struct http_client *c = arg;
    if (!c->closing) {
        if (c->gave_up_address) act_on_all(c);
        http_client_act(c, CURL_SOCKET_TIMEOUT, 0);
        return;
    }
    end_waiting(c);
    if (!c->open_polls && !c->waiting) destroy(c);
}

static void init_libcurl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) abort(); /* out of memory */
}

struct http_client *http_client_create(struct loop *loop, const struct http_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_libcurl);
    struct http_client *c = mem_zalloc(sizeof(*c));
    c->loop = loop;
    c->options = *options;
    c->ca_file = options->ca_file ? mem_strdup(options->ca_file) : NULL;
    c->proxy = options->proxy ? mem_strdup(options->proxy) : NULL;
    c->waiting_end = &c->waiting;
    c->timer = (struct loop_timer){.run = on_timer, .arg = c};
    c->turn_end = (struct turn_task){.run = on_turn_end, .arg = c};
    c->shared = curl_share_init();
    c->multi = curl_multi_init();
    if (!c->multi || !c->shared) abort(); /* out of memory */
    curl_share_setopt(c->shared, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)options->max_connections);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    sockets_hook_multi(c);
    return c;
}

static void end_exchange(struct http_client *c, struct http_exchange *x)
{
    struct http_request *r = x->request;
    exchange_unload(x, CURLE_ABORTED_BY_CALLBACK);
    curl_multi_remove_handle(c->multi, x->easy);
    error_set(&r->error, FAULT_DOWN, "request to %s: given up: the bridge is closing", r->url);
    r->done(r);
}

static void release_libcurl(struct http_client *c)
{
    curl_multi_cleanup(c->multi); /* closes the connections, and so their sockets */
    sockets_forget(c);
    while (c->exchanges) {
        struct http_exchange *x = c->exchanges;
        c->exchanges = x->next;
        exchange_destroy(x);
    }
    curl_share_cleanup(c->shared);
    ca_store_release(c->ca);
    c->multi = NULL;
    c->idle = NULL;
}

void http_client_close(struct http_client *c, void (*done)(void *arg), void *arg)
{
    c->closing = true;
    c->closed = done;
    c->closed_arg = arg;
    for (struct http_exchange *x = c->exchanges; x; x = x->next)
        if (x->request) end_exchange(c, x);
    end_waiting(c);
    release_libcurl(c);
    loop_timer_stop(c->loop, &c->timer); /* last, as libcurl may have set it once more */
    loop_at_turn_end(c->loop, &c->turn_end);
}
