/* header.c - see header.h. */
#include "server/header.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void header_peer(struct lws *wsi, char out[HEADER_PEER_SIZE])
{
    static const char mapped[] = "::ffff:";
    size_t len = strlen(mapped);

    *out = '\0';
    lws_get_peer_simple(wsi, out, HEADER_PEER_SIZE);
    if (strncmp(out, mapped, len) == 0 && strchr(out, '.'))
        memmove(out, out + len, strlen(out + len) + 1);
}

void header_client(bool trust_forwarded, struct lws *wsi, char out[HEADER_PEER_SIZE])
{
    char *forwarded = trust_forwarded ? header_copy(wsi, WSI_TOKEN_X_FORWARDED_FOR) : NULL;
    const char *last = forwarded ? strrchr(forwarded, ',') : NULL;

    header_peer(wsi, out);
    if (!forwarded)
        return;
    last = last ? last + 1 : forwarded;
    last += strspn(last, " ");
    snprintf(out, HEADER_PEER_SIZE, "%s", last);
    free(forwarded);
}

char *header_copy(struct lws *wsi, enum lws_token_indexes token)
{
    int len = lws_hdr_total_length(wsi, token);
    char *value;

    if (len <= 0)
        return NULL;
    value = mem_alloc((size_t)len + 1);
    if (lws_hdr_copy(wsi, value, len + 1, token) < 0) {
        free(value);
        return NULL;
    }
    return value;
}

char *header_copy_custom(struct lws *wsi, const char *name)
{
    int name_len = (int)strlen(name);
    int len = lws_hdr_custom_length(wsi, name, name_len);
    char *value;

    if (len <= 0)
        return NULL;
    value = mem_alloc((size_t)len + 1);
    if (lws_hdr_custom_copy(wsi, value, len + 1, name, name_len) < 0) {
        free(value);
        return NULL;
    }
    return value;
}

char *header_path(struct lws *wsi, enum lws_token_indexes uri)
{
    int size = lws_hdr_total_length(wsi, uri) + 1;
    char *part = mem_alloc((size_t)size);
    buf path = {0};

    for (int i = 0; lws_hdr_copy_fragment(wsi, part, size, uri, i) >= 0; i++) {
        if (i > 0)
            buf_putc(&path, ';');
        buf_puts(&path, part);
    }
    free(part);
    return buf_take(&path);
}

char *header_query(struct lws *wsi, const char *name)
{
    int size = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) + 1;
    size_t name_len = strlen(name);
    char *part = mem_alloc((size_t)size);
    char *value = NULL;

    for (int i = 0;
         !value && lws_hdr_copy_fragment(wsi, part, size, WSI_TOKEN_HTTP_URI_ARGS, i) >= 0; i++)
        if (strncmp(part, name, name_len) == 0 && part[name_len] == '=')
            value = mem_strdup(part + name_len + 1);
    free(part);
    return value;
}

char *cookie_value(const char *cookies, const char *name)
{
    size_t name_len = strlen(name);

    for (const char *at = cookies; at && *at; at += strspn(at, "; ")) {
        size_t len = strcspn(at, ";");

        if (len > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0) {
            at += name_len + 1;
            len -= name_len + 1;
            while (len && at[len - 1] == ' ')
                len--;
            return mem_strndup(at, len);
        }
        at += len;
    }
    return NULL;
}

char *header_cookie(struct lws *wsi, const char *name)
{
    char *cookies = header_copy(wsi, WSI_TOKEN_HTTP_COOKIE);
    char *value = cookie_value(cookies, name);

    free(cookies);
    return value;
}

char *header_bearer(struct lws *wsi)
{
    char *authorization = header_copy(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
    char *token = NULL;

    if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0)
        token = mem_strdup(authorization + 7 + strspn(authorization + 7, " "));
    free(authorization);
    return token;
}
