"""campaign.py NAME PROGRAM RECORDER ROOT [--share S] -- one kind of accident, at many instants.

    kills     a run, seeds or a study is killed at each of its first changes of files, and the same
              command again ends as if nothing had happened
    power     the power is cut at any instant: what was promised is there, and goes on to the same end
    full      the disk is full from any change on: one line says so, and the same command goes on later
    logs      another run's log, or an old one, lies beside a file: it is refused, or the file is as
              without it
    sweeps    a study is killed or stopped: nobody goes on computing, and the same command ends it
    damage    bytes, values and rows of finished and unfinished files are damaged: it is noticed
    forgeries numbers that make no sense, with right checksums: one line, no crash, no hang
    limits    address space is limited: a run ends well, or one line says that memory is short

--share: of the instants, chosen by chance but always the same; 1: all."""
import argparse
import fcntl
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import damage
import disk
from runs import SMALL, Campaign, asked, contents, copy_run, one_line, remove, said

STUDY = '''{"name": "study", "seeds": 1, "set": {"network.widths": "6", "dataset.train_per_class": 12,
 "dataset.test_per_class": 4, "buffer_size": 10, "batch": 4, "train.commit_steps": 3, "log_every": 3},
 "arms": [{"benchmark": "split-synthetic", "strategy": "er"},
          {"benchmark": "split-synthetic", "strategy": "derpp"}]}'''


def commands(c):
    """{kind: (arguments, run files that they leave)} in a folder FOLDER."""
    study = c.path('study.json')
    with open(study, 'w', encoding='ascii') as out:
        out.write(STUDY)
    run = ['run', 'split-synthetic', 'er', '-q', *SMALL, '--out']
    return {'run': (run + ['FOLDER/deep/run.mneme'], ['deep/run.mneme']),
            'seeds': (run[:-1] + ['--seeds', '2', '--jobs', '1', '--out', 'FOLDER/seeds'],
                      ['seeds/split-synthetic-er-s0.mneme', 'seeds/split-synthetic-er-s1.mneme']),
            'sweep': (['sweep', study, '-q', '--jobs', '1', '--out', 'FOLDER/sweep'],
                      ['sweep/split-synthetic-er/split-synthetic-er-s0.mneme',
                       'sweep/split-synthetic-derpp/split-synthetic-derpp-s0.mneme'])}


def in_folder(arguments, folder):
    return [a.replace('FOLDER', folder) for a in arguments]


def undisturbed(c, arguments, files):
    folder = c.fresh('undisturbed')
    done = c.mneme(*in_folder(arguments, folder))
    if done.returncode != 0:
        sys.exit('undisturbed: ' + said(done))
    return [contents(os.path.join(folder, file)) for file in files]


def counter(c):
    """A fresh file in which processes count together."""
    with open(c.path('count'), 'wb') as out:
        out.write(bytes(8))
    return c.path('count')


def same_end(c, folder, files, expected, what):
    found = [contents(os.path.join(folder, f)) if os.path.exists(os.path.join(folder, f)) else 'no file'
             for f in files]
    c.check(found == expected, what, 'ended with other contents')


def kills(c):
    for kind, (arguments, files) in commands(c).items():
        expected = undisturbed(c, arguments, files)
        for n in c.sample(range(1, 121)):
            folder = c.fresh('killed')
            c.mneme(*in_folder(arguments, folder), start_new_session=True,
                    recorded={'MNEME_DISK_FOLDER': folder, 'MNEME_DISK_COUNT': counter(c),
                              'MNEME_DISK_KILL': str(n), 'MNEME_DISK_KILL_ALL': '1'})
            done = c.mneme(*in_folder(arguments, folder))
            if done.returncode != 0:
                c.check(False, kind, 'killed at', n, 'and begun again:', said(done))
            else:
                same_end(c, folder, files, expected, '%s killed at %d' % (kind, n))


def full(c):
    arguments, files = commands(c)['run']
    expected = undisturbed(c, arguments, files)
    for n in c.sample(range(1, 161)):
        folder = c.fresh('full')
        done = c.mneme(*in_folder(arguments, folder),
                       recorded={'MNEME_DISK_FOLDER': folder, 'MNEME_DISK_FULL': str(n)})
        c.check(done.returncode == 0 or (one_line(done) and re.search('o space left|the disk full', done.stderr)),
                'full from', n, 'on:', done.returncode, repr(done.stderr))
        done = c.mneme(*in_folder(arguments, folder))
        if done.returncode != 0 and 'exists' not in done.stderr:
            c.check(False, 'full from', n, 'on, and again:', said(done))
        same_end(c, folder, files, expected, 'full from %d on' % n)


def before_resume(c, arguments, schema):
    """A folder with a run that was killed; of an earlier schema, stopped."""
    folder = c.fresh('live')
    command = in_folder(arguments, folder)
    environment = {'MNEME_DISK_FOLDER': folder, 'MNEME_DISK_KILL': '70'}
    c.mneme(*command, recorded=environment)
    path = os.path.join(folder, 'deep/run.mneme')
    if schema == 2:
        for sql in ('DROP TABLE mark', 'DROP TABLE digest', 'PRAGMA user_version = 2'):
            asked(path, sql)
    return ['resume', '-q', path]


def recorded_events(c, command, folder):
    """What a command does to the files of a folder, and what was in it before."""
    before = {}
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), 'rb') as stream:
                if not name.endswith(('-shm', '-lock')):
                    before[os.path.join(where, name)] = stream.read()
    log = c.path('log')
    remove(log)
    done = c.mneme(*command, recorded={'MNEME_DISK_FOLDER': folder, 'MNEME_DISK_LOG': log})
    if done.returncode != 0:
        sys.exit('recorded: ' + said(done))
    return before, disk.read_log(log)


def power(c):
    arguments, files = commands(c)['run']
    expected = undisturbed(c, arguments, files)
    for scene in ('run', 'resume', 'convert'):
        folder = c.fresh('live')
        command = in_folder(arguments, folder)
        if scene != 'run':
            command = before_resume(c, arguments, 2 if scene == 'convert' else 3)
        before, events = recorded_events(c, command, folder)
        again = in_folder(arguments, folder)
        for i in c.sample(range(120)):
            at, mode = c.random.randrange(len(events) + 1), disk.MODES[i % len(disk.MODES)]
            cut_power(c, disk.Disk(folder, before), events[:at], mode)
            what = '%s cut at %d of %d, %s' % (scene, at, len(events), mode)
            path = os.path.join(folder, files[0])
            promised = max([int(e[2]) for e in events[:at] if e[0] == 'a'], default=0)
            look(c, path, promised, what)
            done = c.mneme(*again)
            if done.returncode != 0 and 'exists' not in done.stderr:
                c.check(False, what, 'and begun again:', said(done))
            same_end(c, folder, files, expected, what)


def cut_power(c, machine, events, mode):
    """Leaves the folder as the disk is after the events and a power cut."""
    for event in events:
        machine.play(event)
    shutil.rmtree(machine.folder)
    os.mkdir(machine.folder)
    for path, data in machine.cut(mode, c.random).items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as out:
            out.write(data)


def look(c, path, promised, what):
    """A file that is there can be shown, and has what was promised."""
    if not os.path.exists(path):
        c.check(promised == 0, what, 'no file, and', promised, 'commits were promised')
        return
    done = c.mneme('show', '--json', path)
    c.check(done.returncode == 0, what, 'show:', said(done))
    found = asked(path, 'SELECT coalesce((SELECT commits FROM cursor), 0)')
    c.check(found is not None and found >= promised, what, found, 'commits of', promised)


def logs(c):
    """Files of three runs and logs of three runs, each beside each, also beside its own file."""
    arguments, files = commands(c)['run']
    instants = c.sample(range(40, 120, 4), least=1)
    for n in instants:
        left = {}
        for strategy, kill in (('er', n), ('derpp', n + 3), ('er', n + 11)):
            folder = c.fresh('left-%d' % len(left))
            command = in_folder(arguments, folder)
            command[2] = strategy
            if len(left) == 2:
                command += ['--seed', '5']
            c.mneme(*command, recorded={'MNEME_DISK_FOLDER': folder, 'MNEME_DISK_KILL': str(kill)})
            path = os.path.join(folder, files[0])
            if os.path.exists(path + '-wal') and os.path.getsize(path + '-wal') > 0:
                left[path] = finish(c, path)
        for path, finished in left.items():
            for other in left:
                stray_log(c, path, finished, other, n)


def finish(c, path):
    """A finished copy of a run that was killed."""
    done = path + '.done'
    copy_run(path, done)
    c.mneme('resume', '-q', done)
    return done


def stray_log(c, path, finished, other, n):
    """The log of `other` beside a file that was killed, and beside the same finished, where its own log
    is an old one.  Without the log the file goes on to its own end."""
    for name, source in (('killed', path), ('finished', finished)):
        target = c.path('target.mneme')
        copy_run(source, target)
        remove(target + '-shm')
        shutil.copy(other + '-wal', target + '-wal')
        with open(target, 'rb') as stream:
            before = stream.read()
        for command in ('show', 'resume'):
            done = c.mneme(command, target)
            what = 'log of %s run beside a %s file, %d: %s:' % (
                'its own' if other == path else 'another', name, n, command)
            if done.returncode == 0: # its own, or one without a whole commit, which is nobody's
                continue
            c.check(done.returncode == 1 and one_line(done) and '-wal' in done.stderr, what, said(done))
            with open(target, 'rb') as stream:
                c.check(stream.read() == before, what, 'the file has changed')
        if done.returncode != 0:
            remove(target + '-wal')
            done = c.mneme('resume', '-q', target)
        c.check(done.returncode == 0 and contents(target) == contents(finished), what, 'and without:', said(done))


def processes_of(folder):
    """Processes whose command line names the folder."""
    found = []
    for name in os.listdir('/proc'):
        try:
            with open('/proc/%s/cmdline' % name, 'rb') as stream:
                if folder.encode() in stream.read() and int(name) != os.getpid():
                    found.append(int(name))
        except (OSError, ValueError):
            pass
    return found


def sweeps(c):
    arguments, files = commands(c)['sweep']
    started = time.monotonic()
    expected = undisturbed(c, arguments, files)
    whole = time.monotonic() - started
    for i in c.sample(range(60)):
        folder = c.fresh('stopped')
        number = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)[i % 3]
        command = [c.program, *in_folder(arguments, folder)]
        with subprocess.Popen(command, env=c.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as study:
            time.sleep(c.random.random() * whole)
            study.send_signal(number)
            code = study.wait()
        c.check(code in (0, 75, -number), 'study ended with', code, 'after signal', number)
        done = c.mneme(*in_folder(arguments, folder))
        if done.returncode != 0:
            c.check(False, 'signal', number, 'and begun again:', said(done))
        same_end(c, folder, files, expected, 'study after signal %d' % number)
        nobody_computes(c, folder)
    long_study(c)


def comes(truth):
    """Waits a minute at most."""
    deadline = time.monotonic() + 60
    while not truth() and time.monotonic() < deadline:
        time.sleep(0.1)
    return truth()


def nobody_computes(c, folder):
    c.check(comes(lambda: not processes_of(folder)), 'somebody goes on computing')
    for process in processes_of(folder):
        os.kill(process, signal.SIGKILL)


def long_study(c):
    """A study that would take hours is killed: its run ends, too.  Begun again while that still
    commits, it waits."""
    _, files = commands(c)['sweep']
    folder, study = c.fresh('long'), c.path('long.json')
    path, next_one = (os.path.join(folder, file) for file in files)
    with open(study, 'w', encoding='ascii') as out:
        out.write(STUDY.replace('"batch": 4', '"batch": 4, "epochs": 1000000'))

    def begin():
        return subprocess.Popen([c.program, 'sweep', study, '-q', '--jobs', '1', '--out', folder + '/sweep'],
                                env=c.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
    with begin() as first:
        c.check(comes(lambda: os.path.exists(path)), 'a long study does not begin')
        first.kill()
    nobody_computes(c, folder)
    with open(path + '-lock', 'wb') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with begin() as second:
            time.sleep(1)
            c.check(not os.path.exists(next_one), 'a run that is still being written is passed over')
            second.send_signal(signal.SIGTERM)
            c.check(second.wait() == 75, 'a study that waits and is stopped ended with', second.returncode)
    nobody_computes(c, folder)


def limits(c):
    arguments, files = commands(c)['run']
    expected = undisturbed(c, arguments, files)
    for megabytes in c.sample(range(100, 240)):
        for threads in '12':
            folder, most = c.fresh('limited'), megabytes << 20
            command = in_folder(arguments, folder)
            command[command.index('--threads') + 1] = threads
            done = c.mneme(*command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
            if done.returncode == 0:
                same_end(c, folder, files, expected, '%d MB' % megabytes)
            else:  # 127, or an exception of C++: not even the libraries could be loaded
                unloaded = done.returncode == 127 or (done.returncode == -6 and 'std::bad_alloc' in done.stderr)
                c.check(unloaded or (one_line(done) and 'memory' in done.stderr),
                        megabytes, 'MB,', threads, 'threads:', said(done))


CAMPAIGNS = {'limits': limits, 'kills': kills, 'power': power, 'full': full, 'logs': logs, 'sweeps': sweeps,
             'damage': damage.damage, 'forgeries': damage.forgeries}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('name', choices=CAMPAIGNS)
    for name in ('program', 'recorder', 'root'):
        parser.add_argument(name, type=os.path.realpath)
    parser.add_argument('--share', type=float, default=1)
    chosen = parser.parse_args()
    campaign = Campaign(chosen.name, chosen.program, chosen.recorder, chosen.root, chosen.share)
    CAMPAIGNS[chosen.name](campaign)
    sys.exit(campaign.end())


if __name__ == '__main__':
    main()
