/* filesystem.c -- refuses network file systems.
 *
 * A write-ahead log keeps its index in memory shared by the processes of one machine; over NFS and
 * its kin two machines would each believe their own.
 */
#include "store/filesystem.h"
#include "base/text.h"

#include <errno.h>
#include <mneme/memory.h>
#include <stddef.h>
#include <string.h>
#include <sys/vfs.h>

const char *mn_network_filesystem(unsigned long magic)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } known[] = {
        {0x6969, "NFS"},          {0x517b, "SMB"},
        {0xff534d42, "CIFS"},     {0xfe534d42, "SMB2"},
        {0x0bd00bd0, "Lustre"},   {0x47504653, "GPFS"},
        {0x00c36400, "Ceph"},     {0x19830326, "BeeGFS"},
        {0x5346414f, "AFS"},      {0x6b414653, "AFS"},
        {0x73757245, "Coda"},     {0x01021997, "9P"},
        {0x7461636f, "OCFS2"},    {0x01161970, "GFS2"},
        {0x013111a8, "IBRIX"},    {0xaad7aaea, "PanFS"},
        {0x20030528, "OrangeFS"}, {0x786f4256, "VirtualBox's shared folder"},
        {0x564c, "NetWare"},      {0xbacbacbc, "VMware's shared folder"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].magic == (magic & 0xffffffffUL))
            return known[i].name;
    return NULL;
}

mn_status mn_check_filesystem(const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    char *folder = slash == NULL ? mn_text_copy(".")
                   : length == 0 ? mn_text_copy("/")
                                 : mn_text_copy_of(path, length);
    if (folder == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    struct statfs about;
    mn_status status = MN_OK;
    if (statfs(path, &about) != 0 && statfs(folder, &about) != 0) {
        status =
            errno == ENOENT || errno == ENOTDIR
                ? mn_fail(MN_NOT_FOUND, "%s: there is no folder '%s'; make it first", path, folder)
                : mn_fail(MN_IO_FAILED, "%s: %s", folder, strerror(errno));
    } else {
        const char *name = mn_network_filesystem((unsigned long)about.f_type);
        if (name != NULL)
            status = mn_fail(MN_UNSUPPORTED,
                             "%s: '%s' is on a network file system (%s), where a run file can be "
                             "damaged; write it to a local disk, and copy it when it is done",
                             path, folder, name);
    }
    mn_memory_give(folder);
    return status;
}
