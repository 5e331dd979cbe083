#include "connectors/mqtt/mqtt_reason.h"

#include <stddef.h>

/* CONFIG: somebody must act, and the message is fine. REJECT: this message can never go. RETRY: it
 * may go later. */
static const struct reason {
    uint8_t code;
    enum fault fault;
    const char *text;
} reasons[] = {
    {0x80, FAULT_RETRY, "unspecified error (the broker's log may say more)"},
    {0x81, FAULT_REJECT, "malformed packet"},
    {0x82, FAULT_REJECT, "protocol error"},
    {0x83, FAULT_RETRY, "the broker can't do this for reasons of its own (see its log)"},
    {0x84, FAULT_CONFIG, "protocol version not supported (set protocol = \"3.1.1\", or \"5\")"},
    {0x85, FAULT_CONFIG, "client identifier not valid (check client_id)"},
    {0x86, FAULT_CONFIG, "bad user name or password (check username and password)"},
    {0x87, FAULT_CONFIG, "not authorised (check username, and the broker's access rules)"},
    {0x88, FAULT_DOWN, "broker not available"},
    {0x89, FAULT_RETRY, "broker busy"},
    {0x8a, FAULT_CONFIG, "banned by the broker (ask its administrator)"},
    {0x8b, FAULT_DOWN, "broker shutting down"},
    {0x8c, FAULT_CONFIG, "bad authentication method"},
    {0x8d, FAULT_DOWN, "keep-alive timeout"},
    {0x8e, FAULT_DOWN, "another client took over the session (client_id must be used only once)"},
    {0x8f, FAULT_CONFIG, "topic filter not valid (check topics)"},
    {0x90, FAULT_REJECT, "topic name not valid"},
    {0x91, FAULT_RETRY, "packet identifier in use"},
    {0x93, FAULT_DOWN, "receive maximum exceeded"},
    {0x95, FAULT_REJECT, "packet too large"},
    {0x96, FAULT_RETRY, "message rate too high"},
    {0x97, FAULT_RETRY, "quota exceeded"},
    {0x98, FAULT_DOWN, "closed by an administrator"},
    {0x99, FAULT_REJECT, "payload format not valid"},
    {0x9a, FAULT_REJECT, "the broker keeps no retained messages"},
    {0x9b, FAULT_CONFIG, "QoS not supported (set qos = 0)"},
    {0x9c, FAULT_CONFIG, "use another server (check server)"},
    {0x9d, FAULT_CONFIG, "server moved (check server)"},
    {0x9e, FAULT_CONFIG, "shared subscriptions not supported (check topics)"},
    {0x9f, FAULT_DOWN, "connection rate exceeded"},
    {0xa0, FAULT_DOWN, "maximum connect time"},
    {0xa1, FAULT_CONFIG, "subscription identifiers not supported"},
    {0xa2, FAULT_CONFIG, "wildcard subscriptions not supported (check topics)"},
};

static const struct reason *find(uint8_t code)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (reasons[i].code == code) return &reasons[i];
    return &reasons[0];
}

const char *mqtt_reason_text(uint8_t code)
{
    return code < 0x80 ? "success" : find(code)->text;
}

enum fault mqtt_reason_fault(uint8_t code)
{
    return code < 0x80 ? FAULT_NONE : find(code)->fault;
}

uint8_t mqtt_reason_of_connack3(int return_code)
{
    static const uint8_t codes[] = {0, 0x84, 0x85, 0x88, 0x86, 0x87};
    return return_code >= 1 && return_code <= 5 ? codes[return_code] : MQTT_UNKNOWN_REASON;
}
