#include "tests/bench/floor.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_IN_FLIGHT = 16 };

/* Kept over runs, with their connections. */
static CURLM *multi;
static CURL *easy[MAX_IN_FLIGHT];

static size_t drop(char *data, size_t size, size_t n, void *arg)
{
    (void)data;
    (void)arg;
    return size * n;
}

static void prepare(const struct floor_request *same)
{
    struct curl_slist *headers = NULL;
    for (const char *const *h = same->headers; *h; h++)
        headers = curl_slist_append(headers, *h);
    multi = curl_multi_init();
    for (int i = 0; i < same->in_flight; i++) {
        easy[i] = curl_easy_init();
        curl_easy_setopt(easy[i], CURLOPT_URL, same->url);
        curl_easy_setopt(easy[i], CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy[i], CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(easy[i], CURLOPT_POSTFIELDS, same->body.ptr);
        curl_easy_setopt(easy[i], CURLOPT_POSTFIELDSIZE, (long)same->body.len);
        curl_easy_setopt(easy[i], CURLOPT_WRITEFUNCTION, drop);
        curl_easy_setopt(easy[i], CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy[i], CURLOPT_PROXY, "");
    }
}

static void check(const CURLMsg *message)
{
    long status = 0;
    curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    if (message->data.result == CURLE_OK && status == 200) return;
    fprintf(stderr, "floor: %s, status %ld\n", curl_easy_strerror(message->data.result), status);
    exit(EXIT_FAILURE);
}

void floor_run(const struct floor_request *same, long requests)
{
    long to_send = requests, open = 0;
    int running, left;
    if (!multi) prepare(same);
    for (int i = 0; i < same->in_flight && to_send; i++, to_send--, open++)
        curl_multi_add_handle(multi, easy[i]);
    while (open) {
        CURLMsg *message;
        curl_multi_perform(multi, &running);
        while ((message = curl_multi_info_read(multi, &left))) {
            CURL *done = message->easy_handle;
            check(message);
            curl_multi_remove_handle(multi, done);
            open--;
            if (!to_send) continue;
            curl_multi_add_handle(multi, done);
            to_send--;
            open++;
        }
        if (running) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
}
