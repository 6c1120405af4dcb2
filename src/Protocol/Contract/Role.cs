namespace HostMemd.Protocol.Contract;

/// <summary>Which commands a client may run. The roles are ordered: an admin may do what an observer may.</summary>
public enum Role { Observer, Admin }
