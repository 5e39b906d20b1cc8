// A disk that takes a millisecond longer to confirm a write. Loaded before the C library (LD_PRELOAD), so that it is
// the same for every store in the process.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <time.h>

typedef int sync_call(int);

static int delayed(const char *name, int descriptor) {
	struct timespec rest = {0, SYNC_MS * 1000000L};
	while (nanosleep(&rest, &rest) != 0) {
	}
	return ((sync_call *)dlsym(RTLD_NEXT, name))(descriptor);
}

int fsync(int descriptor) { return delayed("fsync", descriptor); }

int fdatasync(int descriptor) { return delayed("fdatasync", descriptor); }
