/* sqs_sim: a strict simulator of Amazon SQS for tests, the demo and the benchmark. See README.md of
 * this folder. */
#include "tests/sim/call.h"
#include "tests/sim/move.h"
#include "tests/sim/options.h"
#include "tests/sim/poll.h"
#include "tests/sim/tls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

/* Reads and drops what the parent writes; only the end matters. */
static void on_parent(uv_poll_t *poll, int status, int events)
{
    char drop[256];
    (void)events;
    if (status < 0 || read(0, drop, sizeof(drop)) <= 0) uv_stop(poll->loop);
}

/* Where stdin has no end to wait for (/dev/null, a file), the kernel tells when the parent dies. */
static void watch_parent(struct sim *sim, uv_poll_t *poll)
{
    if (uv_poll_init(sim->loop, poll, 0) == 0)
        uv_poll_start(poll, UV_READABLE | UV_DISCONNECT, on_parent);
    else
        prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static void setup(struct sim *sim, const struct options *o)
{
    sim->loop = uv_default_loop();
    sim->options = o;
    sim->calls = mem_alloc(actions_count * sizeof(sim->calls[0]));
    account_init(&sim->account, o->region, o->seed);
    auth_init(&sim->auth, o->region);
    faults_init(&sim->faults);
    move_start(sim);
    poll_start(sim);
}

static bool listen_on(struct sim *sim, const struct options *o)
{
    sim->http.handle = call_handle;
    sim->http.ctx = sim;
    if (o->tls_cert && !(sim->http.tls = tls_load(o->tls_cert, o->tls_key))) return false;
    int rc = http_server_start(&sim->http, sim->loop, o->port);
    if (rc) {
        fprintf(stderr, "sqs_sim: listening on port %d: %s\n", o->port, uv_strerror(rc));
        return false;
    }
    snprintf(sim->url, sizeof(sim->url), "%s://127.0.0.1:%d", o->tls_cert ? "https" : "http",
             http_server_port(&sim->http));
    printf("listening %s\n", sim->url);
    fflush(stdout);
    return true;
}

static void teardown(struct sim *sim)
{
    move_forget(sim);
    account_free(&sim->account);
    auth_forget_keys(&sim->auth);
    faults_clear(&sim->faults);
    free(sim->calls);
}

int main(int argc, char **argv)
{
    static struct sim sim;
    static struct options o;
    static uv_signal_t term, interrupt;
    static uv_poll_t parent;
    if (!options_parse(&o, argc, argv)) return 2;
    if (o.help) {
        options_help();
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    setup(&sim, &o);
    uv_signal_init(sim.loop, &term);
    uv_signal_init(sim.loop, &interrupt);
    uv_signal_start(&term, on_signal, SIGTERM);
    uv_signal_start(&interrupt, on_signal, SIGINT);
    if (o.exit_with_parent) watch_parent(&sim, &parent);
    bool ok = options_apply(&o, &sim) && listen_on(&sim, &o);
    if (ok) uv_run(sim.loop, UV_RUN_DEFAULT);
    teardown(&sim);
    return ok ? 0 : 1;
}
