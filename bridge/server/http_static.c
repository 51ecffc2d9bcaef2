/*
 * http_static.c - the portals' files.
 *
 * A path is served only if it is, as it stands, a relative path without empty, "." or ".." segments
 * and without files that begin with a dot, below a folder that was named at the start, and if the
 * file is still below it when symbolic links are followed. Files are read when asked for: they are
 * few, small, and in the page cache.
 */
#include "server/http_request.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (16u << 20)

struct http_mount {
    http_mount *next;
    char *prefix;
    char *folder;
};

#define HOST_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]"

/* A page may connect to where it came from. That 'self' stands for its WebSockets too, not every
 * browser knows, so the host is named; a Host header that is none names nothing. */
static void put_content_security_policy(http_request *req)
{
    const char *host = http_header(req, "host");
    bool is_host = host && *host && host[strspn(host, HOST_CHARS)] == '\0';
    char *sockets = is_host ? mem_printf(" ws://%s wss://%s", host, host) : mem_strdup("");
    char *policy =
        mem_printf("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                   "font-src 'self'; media-src 'self'; connect-src 'self'%s; manifest-src 'self'; "
                   "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
                   sockets);

    http_set_header(req, "Content-Security-Policy", policy);
    free(policy);
    free(sockets);
}

static const char *content_type(const char *path)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".webp", "image/webp"},
        {".woff2", "font/woff2"},
        {".mp3", "audio/mpeg"},
        {".wav", "audio/wav"},
        {".txt", "text/plain; charset=utf-8"},
    };
    size_t len = strlen(path);

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t n = strlen(types[i].suffix);

        if (len > n && strcmp(path + len - n, types[i].suffix) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

void http_static(server *srv, const char *prefix, const char *folder)
{
    http_mount *m = mem_new(http_mount);

    m->prefix = mem_strdup(prefix);
    m->folder = mem_strdup(folder);
    m->next = srv->mounts;
    srv->mounts = m;
}

void http_mounts_free(server *srv)
{
    http_mount *next;

    for (http_mount *m = srv->mounts; m; m = next) {
        next = m->next;
        free(m->prefix);
        free(m->folder);
        free(m);
    }
    srv->mounts = NULL;
}

static bool is_plain(const char *path)
{
    while (*path) {
        size_t len = strcspn(path, "/");

        if (len == 0 || *path == '.' || memchr(path, '\\', len))
            return false;
        path += len;
        if (*path == '/')
            path++;
    }
    return true;
}

static void put_page_headers(http_request *req, const char *etag)
{
    http_set_header(req, "ETag", etag);
    http_set_header(req, "Cache-Control", "no-cache");
    put_content_security_policy(req);
    http_set_header(req, "Referrer-Policy", "no-referrer");
    http_set_header(req, "X-Frame-Options", "DENY");
    http_set_header(req, "Cross-Origin-Opener-Policy", "same-origin");
    http_set_header(req, "Cross-Origin-Resource-Policy", "same-origin");
    http_set_header(req, "Permissions-Policy", "camera=(), microphone=(), geolocation=()");
}

/* The whole file; false if it cannot be read. */
static bool read_file(int fd, size_t size, buf *out)
{
    char *to = buf_reserve(out, size + 1);

    while (out->len < size) {
        ssize_t n = read(fd, to + out->len, size - out->len);

        if (n <= 0)
            return false;
        out->len += (size_t)n;
    }
    return true;
}

static void send_file(http_request *req, const char *path, int fd, const struct stat *st)
{
    const char *seen = pairs_get(&req->headers, "if-none-match");
    char etag[64];
    buf content = {0};

    snprintf(etag, sizeof(etag), "\"%llx-%llx\"", (unsigned long long)st->st_size,
             (unsigned long long)st->st_mtim.tv_sec * 1000000000ull +
                 (unsigned long long)st->st_mtim.tv_nsec);
    put_page_headers(req, etag);
    if (seen && strstr(seen, etag)) {
        http_respond(req, 304, NULL, "", 0);
    } else if (read_file(fd, (size_t)st->st_size, &content)) {
        http_respond(req, 200, content_type(path), content.data ? content.data : "", content.len);
    } else {
        http_respond_error(req, 500, "internal", NULL, "The file cannot be read");
    }
    buf_free(&content);
}

/* Both with their links followed: the folder itself may be one. */
static bool is_below(const char *folder, const char *path)
{
    char *top = realpath(folder, NULL), *file = realpath(path, NULL);
    size_t len = top ? strlen(top) : 0;
    bool below = top && file && strncmp(file, top, len) == 0 && file[len] == '/';

    free(top);
    free(file);
    return below;
}

static bool open_and_send(http_request *req, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool sent =
        fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX_BYTES;

    if (sent)
        send_file(req, path, fd, &st);
    if (fd >= 0)
        close(fd);
    return sent;
}

static void redirect_to_folder(http_request *req)
{
    char *to = mem_printf("%s/", req->path);

    http_set_header(req, "Location", to);
    http_respond(req, 308, NULL, "", 0);
    free(to);
}

/* The mount with the longest prefix that the path begins with; "/player" without the slash is its
 * folder too. */
static const http_mount *mount_of(const http_request *req, bool *bare)
{
    const http_mount *found = NULL;
    size_t longest = 0;

    for (const http_mount *m = req->srv->mounts; m; m = m->next) {
        size_t len = strlen(m->prefix);
        bool is_bare = strlen(req->path) == len - 1 && !strncmp(req->path, m->prefix, len - 1);

        if (len > longest && (is_bare || strncmp(req->path, m->prefix, len) == 0)) {
            found = m;
            longest = len;
            *bare = is_bare;
        }
    }
    return found;
}

bool http_static_serve(http_request *req)
{
    bool bare, sent;
    const http_mount *m = mount_of(req, &bare);
    const char *rest;
    char *path;

    if (!m || (strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0))
        return false;
    if (bare) {
        redirect_to_folder(req);
        return true;
    }
    rest = req->path + strlen(m->prefix);
    if (!is_plain(rest))
        return false;
    path = mem_printf("%s/%s%s", m->folder, rest,
                      !*rest || rest[strlen(rest) - 1] == '/' ? "index.html" : "");
    sent = is_below(m->folder, path) && open_and_send(req, path);
    free(path);
    return sent;
}
