namespace Kgents.ServiceDefaults;

/// <summary>The process cannot begin as it is set up. The message is for who starts it: it names the setting and says what to do, without a secret.</summary>
public sealed class SettingException(string message, Exception? innerException = null) : InvalidOperationException(message, innerException);
