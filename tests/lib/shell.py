"""What a shell does for a program at a terminal: a process group of its own, fg and stopped jobs.

shell.py PROGRAM ARGUMENTS…, with the terminal as standard input. Says on standard output: the program's pid, "stopped" whenever it is
stopped, at the end its status (negative: the signal). SIGUSR1 is fg.
"""

import fcntl
import os
import signal
import sys
import termios

TERMINAL = 0


def say(word):
    os.write(1, f"{word}\n".encode())


def run_in_foreground(pid):
    os.tcsetpgrp(TERMINAL, pid)
    os.killpg(pid, signal.SIGCONT)


def main():
    fcntl.ioctl(TERMINAL, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(TERMINAL, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        os.dup2(TERMINAL, 1)
        os.dup2(TERMINAL, 2)
        os.execv(sys.argv[1], sys.argv[1:])
    say(pid)
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        os.tcsetpgrp(TERMINAL, os.getpgrp())
        say("stopped")
        signal.sigwait([signal.SIGUSR1])
        run_in_foreground(pid)
    say(os.waitstatus_to_exitcode(status))


main()
