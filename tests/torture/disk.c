/* A disk that can be hurt: preloaded into a process (LD_PRELOAD), it stands under every file below $DISK_DIR.
 *
 * It writes all that changes these files to the log $DISK_LOG, in order, with each fsync and with notes of the process
 * itself (disk_note: "this was acknowledged"). From the log one can tell what would be on the disk had the power gone at
 * any moment. And it lets writes and fsyncs fail when it is told to (disk_fail). SQLite's -shm files are memory, no disk.
 * disk_dies: the process is killed (SIGKILL) right after so many fsyncs: durable, and nobody was told.
 *
 * A log record: op (1 byte), length of path, length of data (4 bytes each), offset (8 bytes), path, data.
 * Ops: W write, T truncate (offset: new length), S fsync, U unlink, R rename (data: new path), N note (data).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 4096 };
static char *paths[FILES];
static int log_fd = -1;
static const char *folder;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long operations, fail_at = -1;
static int fail_errno, fail_lasts;
static long syncs_to_live = -1;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

__attribute__((constructor)) static void begin(void) {
    folder = getenv("DISK_DIR");
    const char *path = getenv("DISK_LOG");
    REAL(int, "open64", const char *, int, ...);
    if (path) log_fd = real(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_ours(const char *path) {
    size_t length = path ? strlen(path) : 0;
    if (!folder || strncmp(path ? path : "", folder, strlen(folder))) return 0;
    return length < 4 || strcmp(path + length - 4, "-shm");
}

static void note(char op, const char *path, int64_t offset, const void *data, size_t size) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    uint32_t lengths[2] = {path ? strlen(path) : 0, size};
    struct iovec parts[] = {{&op, 1}, {lengths, 8}, {&offset, 8}, {(void *)path, lengths[0]}, {(void *)data, size}};
    int before = errno;
    if (log_fd >= 0 && real(log_fd, parts, 5) < 0) abort();
    errno = before;
}

/* Whether this operation is to fail; it is counted. */
static int fails(void) {
    operations++;
    if (fail_at < 0 || operations < fail_at) return 0;
    if (!fail_lasts) fail_at = -1;
    errno = fail_errno;
    return 1;
}

void disk_note(const char *text) {
    pthread_mutex_lock(&lock);
    note('N', NULL, 0, text, strlen(text));
    pthread_mutex_unlock(&lock);
}

/* Let the operation after so many more fail with this error, once or from then on; 0: none any more. */
void disk_fail(long after, int number, int lasts) {
    pthread_mutex_lock(&lock);
    fail_at = number ? operations + after : -1, fail_errno = number, fail_lasts = lasts;
    pthread_mutex_unlock(&lock);
}

void disk_dies(long syncs) { syncs_to_live = syncs; }
long disk_operations(void) { return operations; }
int disk_is_armed(void) { return fail_at >= 0; }

static int opened(int fd, const char *path) {
    if (fd >= 0 && fd < FILES) {
        pthread_mutex_lock(&lock);
        free(paths[fd]);
        paths[fd] = is_ours(path) ? strdup(path) : NULL;
        pthread_mutex_unlock(&lock);
    }
    return fd;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return opened(real(path, flags, mode), path); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        REAL(int, #name, int, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return opened(real(at, path, flags, mode), path); \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    REAL(int, "close", int);
    if (fd >= 0 && fd < FILES && paths[fd]) opened(fd, NULL);
    return real(fd);
}

#define CHANGE(fd, call, op, offset, data, size) \
    if (fd < 0 || fd >= FILES || !paths[fd]) return call; \
    pthread_mutex_lock(&lock); \
    ssize_t result = -1; \
    if (!fails() && (result = call) >= 0) note(op, paths[fd], offset, data, op == 'W' ? (size_t)result : size); \
    int why = errno; \
    if (op == 'S' && syncs_to_live > 0 && --syncs_to_live == 0) kill(getpid(), SIGKILL); \
    pthread_mutex_unlock(&lock); \
    errno = why; \
    return result

#define PWRITE(name) \
    ssize_t name(int fd, const void *data, size_t size, off_t offset) { \
        REAL(ssize_t, #name, int, const void *, size_t, off_t); \
        CHANGE(fd, real(fd, data, size, offset), 'W', offset, data, size); \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    off_t offset = fd >= 0 && fd < FILES && paths[fd] ? lseek(fd, 0, SEEK_CUR) : 0;
    CHANGE(fd, real(fd, data, size), 'W', offset, data, size);
}

#define TRUNCATE(name) \
    int name(int fd, off_t length) { \
        REAL(int, #name, int, off_t); \
        CHANGE(fd, real(fd, length), 'T', length, NULL, 0); \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define SYNC(name) \
    int name(int fd) { \
        REAL(int, #name, int); \
        CHANGE(fd, real(fd), 'S', 0, NULL, 0); \
    }
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    int result = real(path);
    if (!result && is_ours(path)) note('U', path, 0, NULL, 0);
    return result;
}

int rename(const char *path, const char *target) {
    REAL(int, "rename", const char *, const char *);
    int result = real(path, target);
    if (!result && is_ours(path)) note('R', path, 0, target, strlen(target));
    return result;
}
