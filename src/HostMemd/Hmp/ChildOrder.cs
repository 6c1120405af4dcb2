using HostMemd.Backend.Qom;
using HostMemd.Qapi;

namespace HostMemd.Hmp;

/// <summary>
/// The order in which QEMU lists the children of <c>/objects</c>: that of a GLib table of their ids, backwards. Elsewhere children are
/// listed in the order of creation.
/// </summary>
static class ChildOrder
{
    // QEMU's monitor is an object there and has a place in the table. The daemon's monitor is no object.
    const string QemusMonitor = "compat_monitor0";

    public static IEnumerable<QomObject> Sort(QomObject parent)
    {
        if (parent.Path != "/objects")
            return parent.Children;
        QomObject?[] children = [null, .. parent.Children.Where(c => c.Name != QemusMonitor)];
        var names = children.Select(c => c?.Name ?? QemusMonitor).ToArray();
        return Enumerable.Reverse(GlibOrder.Walk(names)).Select(i => children[i]).OfType<QomObject>();
    }
}
