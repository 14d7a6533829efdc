/* A disk without room, for the processes that load this with LD_PRELOAD: what would make a file of the folder FULL_DISK_DIR
   grow fails with ENOSPC for as long as the file FULL_DISK_FLAG exists. What only changes a file's content goes through, as
   on a real disk. PostgreSQL, SQLite and Python reach the kernel by these calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_full(void) {
    const char *flag = getenv("FULL_DISK_FLAG");
    int kept = errno;
    int full = flag != NULL && access(flag, F_OK) == 0;
    errno = kept;
    return full;
}

/* Whether `fd` is a regular file of the folder, and would be longer than it is when its first `end` bytes are there. */
static int would_grow(int fd, off_t end) {
    const char *folder = getenv("FULL_DISK_DIR");
    char link[64], path[4096];
    struct stat found;
    int kept = errno, grows = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = folder == NULL ? -1 : readlink(link, path, sizeof path - 1);
    if (length > 0 && fstat(fd, &found) == 0 && S_ISREG(found.st_mode)) {
        path[length] = 0;
        grows = strncmp(path, folder, strlen(folder)) == 0 && end > found.st_size;
    }
    errno = kept;
    return grows;
}

static off_t end_of_write(int fd, size_t count) {
    int flags = fcntl(fd, F_GETFL);
    off_t here = lseek(fd, 0, flags >= 0 && (flags & O_APPEND) ? SEEK_END : SEEK_CUR);
    return here < 0 ? 0 : here + (off_t)count;
}

static size_t total(const struct iovec *parts, int count) {
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
    return bytes;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define REFUSE(fd, end, failed) \
    if (is_full() && would_grow(fd, end)) { errno = ENOSPC; return failed; }

ssize_t write(int fd, const void *bytes, size_t count) {
    REFUSE(fd, end_of_write(fd, count), -1)
    return REAL(write)(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REFUSE(fd, end_of_write(fd, total(parts, count)), -1)
    return REAL(writev)(fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    REFUSE(fd, at + (off_t)count, -1)
    return REAL(pwrite)(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    REFUSE(fd, at + (off_t)count, -1)
    return REAL(pwrite64)(fd, bytes, count, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    REFUSE(fd, at + (off_t)total(parts, count), -1)
    return REAL(pwritev)(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    REFUSE(fd, at + (off_t)total(parts, count), -1)
    return REAL(pwritev64)(fd, parts, count, at);
}

int ftruncate(int fd, off_t length) {
    REFUSE(fd, length, -1)
    return REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    REFUSE(fd, length, -1)
    return REAL(ftruncate64)(fd, length);
}

int posix_fallocate(int fd, off_t at, off_t length) {
    if (is_full() && would_grow(fd, at + length)) return ENOSPC;
    return REAL(posix_fallocate)(fd, at, length);
}

int posix_fallocate64(int fd, off64_t at, off64_t length) {
    if (is_full() && would_grow(fd, at + length)) return ENOSPC;
    return REAL(posix_fallocate64)(fd, at, length);
}
