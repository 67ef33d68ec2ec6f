using Kgents.Metering;
using Kgents.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("kgents-metering");
builder.AddKgentsMetering();

var app = builder.Build();
app.MapDefaultEndpoints();
app.Run();
