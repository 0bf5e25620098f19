"""Start a program with descriptors as a service manager does: NAMES FD... -- PROGRAM ARGUMENT..."""

import fcntl
import os
import sys

end = sys.argv.index("--")
names, given = sys.argv[1], [int(fd) for fd in sys.argv[2:end]]
aside = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in given]
for number, fd in enumerate(aside):
    os.dup2(fd, 3 + number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(given)), "LISTEN_FDNAMES": names}
os.execv(sys.argv[end + 1], sys.argv[end + 1 :])
